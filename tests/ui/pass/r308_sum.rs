//! CQRS308: numbers are added up: what to write instead.

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
    books.scan().sum(Book::PAGES).await?;
    Ok(())
}
