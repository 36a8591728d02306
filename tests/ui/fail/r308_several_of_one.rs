//! CQRS308: one value is compared
//!
//! The fault: `has_any`

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
    books.find(Book::PAGES.has_any([100, 200])).await?;
    Ok(())
}

fn main() {}
