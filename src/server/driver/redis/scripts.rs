//! The Lua files, one per atomic verb. Each has its contract in its header.

use redis::Script;

macro_rules! scripts {
    ($($name:ident = $($file:literal)+;)*) => {
        pub struct Scripts { $(pub $name: Script,)* }

        impl Scripts {
            pub fn new() -> Self {
                Self { $($name: Script::new(concat!($(include_str!(concat!("lua/", $file))),+)),)* }
            }

            /// Texts, for loading all of them in one round trip after Redis was restarted.
            pub fn all(&self) -> Vec<&Script> {
                vec![$(&self.$name),*]
            }
        }
    };
}

scripts! {
    page = "element.lua" "page.lua";
    delayed_page = "element.lua" "delayed_page.lua";
    locate = "element.lua" "locate.lua";
    place = "element.lua" "place.lua";
    marks = "element.lua" "marks.lua";
    locate_delayed = "element.lua" "locate_delayed.lua";
    find = "element.lua" "find.lua";
    find_delayed = "element.lua" "find_delayed.lua";
    find_ids = "element.lua" "find_ids.lua";
    scan = "element.lua" "scan.lua";
    scan_delayed = "element.lua" "scan_delayed.lua";
    retry = "take.lua" "acted.lua" "retry.lua";
    push = "take.lua" "push.lua";
    promote = "take.lua" "promote.lua";
    discard = "take.lua" "acted.lua" "discard.lua";
    discard_delayed = "take.lua" "discard_delayed.lua";
    pause = "take.lua" "pause.lua";
    resume = "take.lua" "resume.lua";
    retry_chunk = "take.lua" "retry_chunk.lua";
    carry_chunk = "take.lua" "carry_chunk.lua";
    discard_chunk = "take.lua" "discard_chunk.lua";
    trash_list = "element.lua" "take.lua" "trash_list.lua";
    trash_delayed = "take.lua" "trash_delayed.lua";
    restore_item = "take.lua" "restore_item.lua";
    restore_list = "take.lua" "restore_list.lua";
    drop_trash = "drop_trash.lua";
    empty_trash = "empty_trash.lua";
    new_dead = "element.lua" "new_dead.lua";
    lengths = "lengths.lua";
    oldest = "oldest.lua";
    heads = "heads.lua";
    upcoming = "element.lua" "upcoming.lua";
    put_back = "take.lua" "put_back.lua";
    write_frames = "write_frames.lua";
    take_lease = "take_lease.lua";
    drop_lease = "drop_lease.lua";
    schedule_read = "schedule_read.lua";
    schedule_fire = "take.lua" "schedule_fire.lua";
    schedule_save = "take.lua" "schedule_save.lua";
    schedule_enable = "take.lua" "schedule_enable.lua";
    schedule_run = "take.lua" "schedule_run.lua";
    schedule_delete = "take.lua" "schedule_delete.lua";
    schedule_restore = "take.lua" "schedule_restore.lua";
    swap_setting = "take.lua" "swap_setting.lua";
    take_alert = "take.lua" "take_alert.lua";
    note_alert = "note_alert.lua";
    settle_alert = "take.lua" "settle_alert.lua";
    take_undelivered = "take.lua" "take_undelivered.lua";
    alert_turn = "take.lua" "alert_say.lua" "alert_turn.lua";
    alert_note = "take.lua" "alert_say.lua" "alert_note.lua";
    alert_rules = "alert_rules.lua";
    look = "element.lua" "look.lua";
    holders = "element.lua" "holders.lua";
    move_list = "take.lua" "move_list.lua";
    move_delayed = "take.lua" "move_delayed.lua";
    release_group = "element.lua" "take.lua" "release_group.lua";
}
