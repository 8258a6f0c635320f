//! How parts of a screen look. A colour never says anything that words do not say as well.

use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::text::Span;

/// What a part of a screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Plain,
    /// Of the whole screen.
    Title,
    /// Of a section.
    Heading,
    Chosen,
    Faint,
    Good,
    /// Something waits, or was missed.
    Notable,
    Bad,
}

/// Whether there are colours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Theme {
    pub(super) has_colours: bool,
}

impl Theme {
    pub(super) fn style(self, part: Part) -> Style {
        let (colour, modifier) = match part {
            Part::Plain => (None, Modifier::empty()),
            Part::Title => (None, Modifier::REVERSED),
            Part::Heading => (Some(Color::Cyan), Modifier::BOLD),
            Part::Chosen => (None, Modifier::BOLD),
            Part::Faint => (None, Modifier::DIM),
            Part::Good => (Some(Color::Green), Modifier::empty()),
            Part::Notable => (Some(Color::Yellow), Modifier::empty()),
            Part::Bad => (Some(Color::Red), Modifier::BOLD),
        };
        let style = Style::new().add_modifier(modifier);
        colour.filter(|_| self.has_colours).map_or(style, |colour| style.fg(colour))
    }

    pub(super) fn span(self, part: Part, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.style(part))
    }
}
