//! CQRS308: rows are sorted by one value of each: what to write instead.

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
    books.scan().order_by(Book::PAGES.asc()).await?;
    Ok(())
}
