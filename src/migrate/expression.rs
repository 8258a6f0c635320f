//! GitHub's expressions, as far as a text of them can be understood without their values.

/// The texts in single quotes in an expression.
pub(super) fn literals(text: &str) -> Vec<String> {
    text.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A truth value of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Truth {
    Is(bool),
    /// What the expression without its `${{ }}` says, which is a condition for another expression.
    If(String),
}

impl Truth {
    /// Reads what an action takes for a truth value; `None` for what it would refuse, or take for either.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.to_lowercase().as_str() {
            "true" => return Some(Self::Is(true)),
            "false" => return Some(Self::Is(false)),
            _ => {}
        }
        let inner = text.strip_prefix("${{")?.strip_suffix("}}")?.trim();
        if inner.contains("}}") {
            return None;
        }
        // A text `'false'` counts as true in an expression, and not in an input.
        let compares = ["==", "!="].iter().map(|sign| inner.matches(sign).count()).sum::<usize>() == 1;
        let is_alone = compares && !["&&", "||", "("].iter().any(|sign| inner.contains(sign));
        Some(Self::If(if is_alone {
            inner.to_owned()
        } else {
            format!("format('{{0}}', {inner}) == 'true'")
        }))
    }
}

/// How an output of a step is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    /// Where in the text.
    pub(super) at: usize,
    pub(super) output: String,
    /// Whether it is compared with `'true'`, so that no value and `false` are the same.
    pub(super) is_compared: bool,
}

/// Where `text` names an output of the step `id`.
pub(super) fn mentions(text: &str, id: &str) -> Vec<Mention> {
    let forms = [format!("steps.{id}.outputs."), format!("steps['{id}'].outputs.")];
    let found = forms.iter().flat_map(|form| text.match_indices(form.as_str()));
    let mention = |(at, form): (usize, &str)| {
        let rest = &text[at + form.len()..];
        let length = rest.find(|letter: char| !is_of_name(letter)).unwrap_or(rest.len());
        let behind = rest[length..].trim_start();
        let compared = behind.strip_prefix("==").or_else(|| behind.strip_prefix("!="));
        let is_compared = compared.is_some_and(|with| with.trim_start().starts_with("'true'"));
        Mention { at, output: rest[..length].to_owned(), is_compared }
    };
    let is_whole =
        |(at, _): &(usize, &str)| !text[..*at].ends_with(|letter: char| is_of_name(letter) || letter == '.');
    let mut mentions: Vec<_> = found.filter(is_whole).map(mention).collect();
    mentions.sort_by_key(|mention| mention.at);
    mentions
}

/// Where `text` names the variable `name`, as an expression or a shell does.
pub(super) fn variable(text: &str, name: &str) -> Option<usize> {
    let forms = [format!("env.{name}"), format!("${name}"), format!("${{{name}")];
    let found = forms.iter().flat_map(|form| text.match_indices(form.as_str()));
    let is_whole = |(at, form): &(usize, &str)| !text[at + form.len()..].starts_with(is_of_name);
    found.filter(is_whole).map(|(at, _)| at).min()
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_keeps_its_value_in_another_expression() {
        let condition = |text: &str| Truth::read(text);
        let when = |text: &str| Some(Truth::If(text.to_owned()));
        assert_eq!(condition("True"), Some(Truth::Is(true)));
        assert_eq!(
            condition("${{ github.ref == 'refs/heads/main' }}"),
            when("github.ref == 'refs/heads/main'")
        );
        assert_eq!(condition("${{ inputs.save }}"), when("format('{0}', inputs.save) == 'true'"));
        assert_eq!(
            condition("${{ a == 'b' && 'true' }}"),
            when("format('{0}', a == 'b' && 'true') == 'true'")
        );
        assert_eq!((condition("yes"), condition("${{ a }}${{ b }}")), (None, None));
    }

    #[test]
    fn outputs_are_found_where_they_are_used() {
        let text = "if: steps.c.outputs.cache-hit != 'true' ${{ steps['c'].outputs.x }} steps.cc.outputs.y !steps.c.outputs.cache-hit";
        let found: Vec<_> =
            mentions(text, "c").into_iter().map(|found| (found.output, found.is_compared)).collect();
        let expected = [("cache-hit", true), ("x", false), ("cache-hit", false)];
        assert_eq!(found, expected.map(|(output, is)| (output.to_owned(), is)));
        assert!(variable("env.A_B ${A}", "A").is_some_and(|at| at == 8) && variable("$AB", "A").is_none());
    }
}
