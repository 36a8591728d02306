//! CQRS308: rows are sorted by one value of each
//!
//! The fault: `asc`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Book {
    #[key]
    pub isbn: String,
    #[index]
    pub pages: u32,
    #[index]
    pub authors: Vec<String>,
}

pub async fn ask(books: Views<Book>) -> Result<(), QueryError> {
    books.scan().order_by(Book::AUTHORS.asc()).await?;
    Ok(())
}

fn main() {}
