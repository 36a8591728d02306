//! CQRS308: one value is compared: what to write instead.

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
    books.find(Book::PAGES.one_of([100, 200])).await?;
    Ok(())
}
