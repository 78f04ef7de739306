//! Dates for chat templates, from seconds given by the caller: the library has no clock.

/// A moment in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    year: i64,
    month: usize,
    day: i64,
    weekday: usize,
    second: i64,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
];

impl Moment {
    /// From seconds since 1970. The calendar is counted in years that begin in March, so that leap days come last
    /// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    pub(crate) fn new(seconds: u64) -> Self {
        // 2^33 seconds reach the year 2242; later moments are shown as that.
        let seconds = i64::try_from(seconds.min(1 << 33)).unwrap_or(0);
        let days = seconds / 86_400;
        let shifted = days + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = (from_march + 2) % 12;
        Self {
            year: year_of_era + era * 400 + i64::from(month < 2),
            month: usize::try_from(month).unwrap_or(0),
            day: day_of_year - (153 * from_march + 2) / 5 + 1,
            weekday: usize::try_from(days % 7).unwrap_or(0),
            second: seconds % 86_400,
        }
    }

    /// As Python's `strftime`, in English; an unknown directive stays as it is.
    pub(crate) fn format(&self, format: &str) -> String {
        let month = MONTHS.get(self.month).copied().unwrap_or("");
        let weekday = WEEKDAYS.get(self.weekday).copied().unwrap_or("");
        let short = |name: &str| name.get(..3).unwrap_or(name).to_owned();
        let (hour, minute) = (self.second / 3600, self.second / 60 % 60);
        let number = self.month + 1;
        let mut text = String::new();
        let mut rest = format.chars();
        while let Some(c) = rest.next() {
            if c != '%' {
                text.push(c);
                continue;
            }
            let mut directive = rest.next();
            let padded = directive != Some('-');
            if !padded {
                directive = rest.next();
            }
            let two = |n: i64| if padded { format!("{n:02}") } else { n.to_string() };
            let part = match directive {
                Some('Y') => self.year.to_string(),
                Some('y') => two(self.year % 100),
                Some('m') => two(i64::try_from(number).unwrap_or(0)),
                Some('d') => two(self.day),
                Some('e') => format!("{:2}", self.day),
                Some('B') => month.to_owned(),
                Some('b' | 'h') => short(month),
                Some('A') => weekday.to_owned(),
                Some('a') => short(weekday),
                Some('H') => two(hour),
                Some('I') => two((hour + 11) % 12 + 1),
                Some('p') => if hour < 12 { "AM" } else { "PM" }.to_owned(),
                Some('M') => two(minute),
                Some('S') => two(self.second % 60),
                Some('F') => self.format("%Y-%m-%d"),
                Some('T') => self.format("%H:%M:%S"),
                Some('Z') => "UTC".to_owned(),
                Some('%') => "%".to_owned(),
                Some(other) => format!("%{other}"),
                None => "%".to_owned(),
            };
            text.push_str(&part);
        }
        text
    }
}
