//! CQRS308: numbers are added up
//!
//! The fault: `Book::TITLE`

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
    books.scan().sum(Book::TITLE).await?;
    Ok(())
}

fn main() {}
