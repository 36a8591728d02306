//! CQRS308: texts have prefixes
//!
//! The fault: `starts_with`

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
    books.find(Book::PAGES.starts_with("12")).await?;
    Ok(())
}

fn main() {}
