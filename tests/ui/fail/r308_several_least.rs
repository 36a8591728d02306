//! CQRS308: the least is taken of one value of each row
//!
//! The fault: `Book::AUTHORS`

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
    books.scan().min(Book::AUTHORS).await?;
    Ok(())
}

fn main() {}
