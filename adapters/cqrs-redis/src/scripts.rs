//! The Lua scripts: each is one atomic step.

use redis::Script;

/// All scripts.
pub(crate) struct Scripts {
    pub(crate) prepare: Script,
    pub(crate) rows: Script,
    pub(crate) removed: Script,
    pub(crate) find: Script,
    pub(crate) lease: Script,
    pub(crate) holders: Script,
    pub(crate) release: Script,
    pub(crate) place: Script,
    pub(crate) write: Script,
    pub(crate) finish: Script,
    pub(crate) sweep: Script,
    pub(crate) leases: Script,
    pub(crate) views: Script,
    pub(crate) remove: Script,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        let script = |code: &str| Script::new(&format!("{}\n{code}", include_str!("lua/common.lua")));
        Self {
            prepare: script(include_str!("lua/prepare.lua")),
            rows: script(include_str!("lua/rows.lua")),
            removed: script(include_str!("lua/removed.lua")),
            find: script(include_str!("lua/find.lua")),
            lease: script(include_str!("lua/lease.lua")),
            holders: script(include_str!("lua/holders.lua")),
            release: script(include_str!("lua/release.lua")),
            place: script(include_str!("lua/place.lua")),
            write: script(include_str!("lua/write.lua")),
            finish: script(include_str!("lua/finish.lua")),
            sweep: script(include_str!("lua/sweep.lua")),
            leases: script(include_str!("lua/leases.lua")),
            views: script(include_str!("lua/views.lua")),
            remove: script(include_str!("lua/remove.lua")),
        }
    }
}
