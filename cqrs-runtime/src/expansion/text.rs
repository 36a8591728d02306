//! Text that is assembled at compile time.

/// Text assembled at compile time. What does not fit is cut off.
pub(crate) struct Text {
    bytes: [u8; 2048],
    length: usize,
}

impl Text {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; 2048], length: 0 }
    }

    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    pub(crate) const fn push(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            self.push_byte(bytes[at]);
            at += 1;
        }
    }

    /// Adds a number of three digits.
    pub(crate) const fn push_number(&mut self, number: u16) {
        let digits = [number / 100 % 10, number / 10 % 10, number % 10];
        let mut at = 0;
        while at < digits.len() {
            self.push_byte(b'0' + digits[at].to_le_bytes()[0]);
            at += 1;
        }
    }

    /// Adds a text with `{0}`, `{1}` … in place of `parts`.
    pub(crate) const fn push_filled(&mut self, text: &str, parts: &[&str]) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let part = if at + 2 < bytes.len() && bytes[at] == b'{' && bytes[at + 2] == b'}' {
                bytes[at + 1].wrapping_sub(b'0') as usize
            } else {
                parts.len()
            };
            if part < parts.len() {
                self.push(parts[part]);
                at += 3;
            } else {
                self.push_byte(bytes[at]);
                at += 1;
            }
        }
    }

    const fn push_byte(&mut self, byte: u8) {
        if self.length < self.bytes.len() {
            self.bytes[self.length] = byte;
            self.length += 1;
        }
    }

    pub(crate) const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            // Cut off inside a character.
            Err(error) => match std::str::from_utf8(self.bytes.split_at(error.valid_up_to()).0) {
                Ok(text) => text,
                Err(_) => "",
            },
        }
    }
}
