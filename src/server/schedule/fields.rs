//! The fields of a cron: which values they name, and how they were written.

/// One element of a list: `5`, `1-5`, `*/10`, `2-8/3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub from: u32,
    pub to: u32,
    pub step: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub parts: Vec<Part>,
    /// One bit a value.
    bits: u64,
    min: u32,
    max: u32,
    /// Written as `*` or `?`. Of the day fields cron-parser takes only this for "not restricted", so `1-31` restricts.
    pub wild: bool,
}

impl Field {
    /// # Errors
    /// A sentence that begins with `what`.
    pub fn parse(what: &str, text: &str, min: u32, max: u32) -> Result<Self, String> {
        let parts = text.split(',').map(|part| read_part(what, part, min, max)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { wild: matches!(text, "*" | "?"), ..Self::of(parts, min, max) })
    }

    fn of(parts: Vec<Part>, min: u32, max: u32) -> Self {
        let bits = parts.iter().flat_map(|p| (p.from..=p.to).step_by(p.step as usize)).fold(0_u64, |bits, v| bits | 1 << v);
        Self { parts, bits, min, max, wild: false }
    }

    pub fn has(&self, value: u32) -> bool {
        self.bits & (1 << value) != 0
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> + use<> {
        let bits = self.bits;
        (0..64).filter(move |v| bits & (1 << v) != 0)
    }

    /// Every value, however that was written.
    pub fn is_any(&self) -> bool {
        (self.min..=self.max).all(|v| self.has(v))
    }

    /// The value, when there is one alone.
    pub fn one(&self) -> Option<u32> {
        let mut values = self.iter();
        values.next().filter(|_| values.next().is_none())
    }

    /// `n` of `*/n`, when that is all and `n` divides the whole evenly: only then the words `every n` are true.
    pub fn every(&self) -> Option<u32> {
        match self.parts[..] {
            [Part { from, to, step }]
                if from == self.min && to == self.max && step > 1 && (self.max + 1 - self.min).is_multiple_of(step) =>
            {
                Some(step)
            }
            _ => None,
        }
    }
}

fn read_part(what: &str, text: &str, min: u32, max: u32) -> Result<Part, String> {
    if text.is_empty() {
        return Err(format!("{what}: a value is missing beside a comma."));
    }
    let (span, step) = match text.split_once('/') {
        None => (text, None),
        Some((span, step)) => {
            (span, Some(number(what, step).ok().filter(|n| *n > 0).ok_or_else(|| format!("{what}: /{step} is no step."))?))
        }
    };
    let (from, to) = if matches!(span, "*" | "?") {
        (min, max)
    } else if let Some((from, to)) = span.split_once('-') {
        (number(what, from)?, number(what, to)?)
    } else {
        let from = number(what, span)?;
        // `5/15` goes on to the end.
        (from, if step.is_some() { max } else { from })
    };
    if from < min || to > max || from > max {
        return Err(format!("{what}: {text} is not within {min} to {max}."));
    }
    if from > to {
        return Err(format!("{what}: {text} counts backwards. Write two ranges, such as {from}-{max},{min}-{to}."));
    }
    // A step beyond the end is the first value alone.
    Ok(Part { from, to, step: step.unwrap_or(1).min(max + 1) })
}

fn number(what: &str, text: &str) -> Result<u32, String> {
    let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    let refused = || if text.is_empty() { format!("{what}: a number is missing.") } else { format!("{what}: {text} cannot be read.") };
    if digits { text.parse().map_err(|_| refused()) } else { Err(refused()) }
}

/// The day of the month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Days {
    pub values: Field,
    /// `L`: the last one.
    pub last: bool,
}

impl Days {
    pub fn parse(text: &str) -> Result<Self, String> {
        const WHAT: &str = "day of the month";
        let (last, values): (Vec<&str>, Vec<&str>) = text.split(',').partition(|part| *part == "L");
        if values.iter().any(|part| part.contains('L')) {
            return Err(format!("{WHAT}: L is the last day and stands alone."));
        }
        let last = !last.is_empty();
        let values = if last && values.is_empty() { Field::of(Vec::new(), 1, 31) } else { Field::parse(WHAT, &values.join(","), 1, 31)? };
        Ok(Self { values, last })
    }

    pub fn is_any(&self) -> bool {
        self.values.wild && !self.last
    }

    /// `of`: days of that month.
    pub fn has(&self, day: u32, of: u32) -> bool {
        self.values.has(day) || self.last && day == of
    }
}

/// The day of the week: 0 and 7 are Sunday.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weekdays {
    pub values: Field,
    /// `5L`: the last Friday of the month.
    pub last: Vec<u32>,
    /// `1#2`: the second Monday of the month.
    pub nth: Option<u32>,
}

impl Weekdays {
    pub fn parse(text: &str) -> Result<Self, String> {
        const WHAT: &str = "day of the week";
        let (days, nth) = match text.split_once('#') {
            None => (text, None),
            Some((days, nth)) => {
                if let Some(odd) = days.chars().find(|c| matches!(c, ',' | '-' | '/' | 'L')) {
                    return Err(format!("{WHAT}: # and {odd} do not go together."));
                }
                let nth = number(WHAT, nth).ok().filter(|n| (1..=5).contains(n));
                (days, Some(nth.ok_or_else(|| format!("{WHAT}: behind # stands 1 to 5, the how-many-eth of the month."))?))
            }
        };
        let (last, values): (Vec<&str>, Vec<&str>) = days.split(',').partition(|part| part.ends_with('L'));
        let last: Vec<u32> = last
            .iter()
            .map(|part| match part.trim_end_matches('L') {
                "" => Err(format!("{WHAT}: L needs a day before it: 5L is the last Friday of the month.")),
                day => number(WHAT, day).ok().filter(|d| *d <= 7).map(|d| d % 7).ok_or_else(|| format!("{WHAT}: {part} cannot be read.")),
            })
            .collect::<Result<_, _>>()?;
        let values = if values.is_empty() { Field::of(Vec::new(), 0, 7) } else { Field::parse(WHAT, &values.join(","), 0, 7)? };
        Ok(Self { values: sunday_is_0(values), last, nth })
    }

    pub fn is_any(&self) -> bool {
        self.values.wild && self.last.is_empty() && self.nth.is_none()
    }

    /// `day` of the month is this weekday; `of`: days of that month.
    pub fn has(&self, weekday: u32, day: u32, of: u32) -> bool {
        let nth = self.nth.is_none_or(|n| (day - 1) / 7 + 1 == n);
        self.values.has(weekday) && nth || self.last.contains(&weekday) && day + 7 > of
    }
}

/// 7 is Sunday too, wherever a range or step meets it.
fn sunday_is_0(mut field: Field) -> Field {
    if field.has(7) {
        field.bits = field.bits & !(1 << 7) | 1;
    }
    field.max = 6;
    field
}
