//! CQRS308: values are counted in an index
//!
//! The fault: `Book::COPIES`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Book {
    #[key]
    pub isbn: String,
    #[index]
    pub title: String,
    #[index]
    pub pages: u32,
    pub copies: u32,
}

pub async fn ask(books: Views<Book>) -> Result<(), QueryError> {
    books.scan().count_by(Book::COPIES).await?;
    Ok(())
}

fn main() {}
