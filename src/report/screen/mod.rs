//! A host at one moment, as lines of a terminal of any size, or as plain text. Pure: what is shown depends on the values alone.

mod head;
mod sections;
mod theme;
mod view;

use ratatui_core::text::Line;

use self::head::{foot, head, help};
use self::sections::{at_work, events, locks, runners};
use self::theme::Theme;
use self::view::Mark;
pub use self::view::{Action, View};
use crate::outcome::Live;

/// Columns of the plain text.
const WIDTH: usize = 80;

/// Events in the plain text, at most. `--json` has more.
const EVENTS: usize = 10;

/// Rows of a terminal below which its head is short.
const LOW: usize = 16;

/// What to show in a terminal of so many columns and rows.
pub fn screen(live: &Live, view: &mut View, width: u16, height: u16) -> Vec<Line<'static>> {
    let (width, height) = (usize::from(width), usize::from(height));
    let theme = Theme { has_colours: view.has_colours };
    let mut lines = head(live, theme, width);
    if height < LOW {
        lines.truncate(2);
    }
    let room = height.saturating_sub(lines.len() + 1);
    if view.has_help {
        lines.extend(help(theme).into_iter().take(room));
    } else {
        let chosen = view.chosen.as_deref();
        let sections = [
            runners(live, theme, width, chosen.map_or(Mark::All, Mark::Runner)),
            at_work(live, theme, width, chosen),
            locks(live, theme, width),
            events(live, theme, width, chosen),
        ];
        let rooms = share(room, [0, 1, 2, 3].map(|index: usize| sections[index].wants()));
        let [of_runners, of_work, of_locks, of_events] = sections;
        let skipped = runners_before(live, chosen, rooms[0]);
        lines.extend(of_runners.lines(theme, width, rooms[0], skipped));
        lines.extend(of_work.lines(theme, width, rooms[1], 0));
        lines.extend(of_locks.lines(theme, width, rooms[2], 0));
        view.scrolled = view.scrolled.min(of_events.rows.len().saturating_sub(rooms[3].saturating_sub(1)));
        lines.extend(of_events.lines(theme, width, rooms[3], view.scrolled));
    }
    lines.resize(height.saturating_sub(1), Line::default());
    lines.push(foot(theme, width));
    lines.truncate(height);
    lines
}

/// Runners that are scrolled out of `room` so that the chosen one is in it.
fn runners_before(live: &Live, chosen: Option<&str>, room: usize) -> usize {
    let place = view::names(live).iter().position(|name| Some(name.as_str()) == chosen);
    // Behind the row of all.
    place.map_or(0, |place| (place + 2).saturating_sub(room.saturating_sub(1)))
}

/// What each section gets of `room`: runners, what is at work, locks, events. What is at work comes first, then who waits; a
/// heading alone is no use to anybody.
fn share(room: usize, wants: [usize; 4]) -> [usize; 4] {
    let mut given = [0; 4];
    let mut left = room;
    for (index, least) in [(1, 3), (2, 3), (0, 2), (3, 3)] {
        let gets = wants[index].min(least).min(left);
        given[index] = if gets > 1 { gets } else { 0 };
        left -= given[index];
    }
    // Runners and locks may be many, and what happened last is to be seen all the same.
    for (index, most) in
        [(1, room / 2), (2, room / 4), (0, room / 3), (3, room), (1, room), (2, room), (0, room)]
    {
        if given[index] > 0 {
            let more = wants[index].min(most).saturating_sub(given[index]).min(left);
            given[index] += more;
            left -= more;
        }
    }
    given
}

/// All of it in 80 columns, without colours.
pub(super) fn snapshot(live: &Live) -> String {
    let theme = Theme { has_colours: false };
    let mut of_events = events(live, theme, WIDTH, None);
    of_events.rows.truncate(EVENTS);
    let sections = [
        runners(live, theme, WIDTH, Mark::Nothing),
        at_work(live, theme, WIDTH, None),
        locks(live, theme, WIDTH),
        of_events,
    ];
    let mut lines = head(live, theme, WIDTH);
    for section in sections {
        let wants = section.wants();
        lines.push(Line::default());
        lines.extend(section.lines(theme, WIDTH, wants, 0));
    }
    let text = |line: &Line<'_>| {
        let spans: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
        spans.trim_end().to_owned() + "\n"
    };
    lines.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_at_work_comes_first_and_no_heading_stands_alone() {
        for (room, wants, given) in [
            (20, [4, 5, 0, 100], [4, 5, 0, 11]),
            (20, [4, 2, 2, 3], [4, 2, 2, 3]),
            (20, [40, 40, 40, 100], [2, 10, 5, 3]),
            (9, [4, 5, 2, 100], [2, 3, 2, 2]),
            (4, [4, 5, 2, 100], [0, 4, 0, 0]),
            (1, [4, 5, 2, 100], [0, 0, 0, 0]),
        ] {
            assert_eq!(share(room, wants), given, "{room} {wants:?}");
        }
    }
}
