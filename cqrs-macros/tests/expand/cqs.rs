//! Methods of a plain object.

#[cqs]
impl Account {
    #[command]
    pub fn deposit(&mut self, cents: u64) {
        self.cents += cents;
    }
    #[query]
    pub fn balance(&self) -> u64 {
        self.cents
    }
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

impl Account {
    pub fn deposit(&mut self, cents: u64) {
        self.cents += cents;
    }
    pub fn balance(&self) -> u64 {
        self.cents
    }
}
const _: () = {
    #[allow(dead_code)]
    trait __Queries {
        fn change_nothing();
    }
    #[allow(deprecated)]
    impl __Queries for Account {
        fn change_nothing() {
            rt::unchanging::<Self>();
        }
    }
};
