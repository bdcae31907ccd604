package controllers

import (
	"fmt"
	"slices"
	"time"

	"oauth-operator.dev/api/v1alpha1"
)

// window is when the rotation by interval may happen: where the clock on the wall
// shows a time from start until before end, on some days of the week. So a time
// that a change of the clocks skips is in no window, and one that it repeats is
// there twice.
type window struct {
	days       []time.Weekday // none for all
	start, end int            // minutes of the day
	zone       *time.Location
}

const dayMinutes = 24 * 60

var weekdays = map[v1alpha1.Weekday]time.Weekday{
	v1alpha1.Monday: time.Monday, v1alpha1.Tuesday: time.Tuesday, v1alpha1.Wednesday: time.Wednesday,
	v1alpha1.Thursday: time.Thursday, v1alpha1.Friday: time.Friday, v1alpha1.Saturday: time.Saturday,
	v1alpha1.Sunday: time.Sunday,
}

// newWindow returns the window of the specification: one that is always open for
// nil. Its errors are for people to read.
func newWindow(spec *v1alpha1.RotationWindow) (window, error) {
	always := window{end: dayMinutes, zone: time.UTC}
	if spec == nil {
		return always, nil
	}
	w := window{zone: time.UTC}
	var err error
	if spec.TimeZone != "" {
		// Local is no name of the database: it is wherever the controller runs.
		if w.zone, err = time.LoadLocation(spec.TimeZone); err != nil || spec.TimeZone == "Local" {
			return always, fmt.Errorf("rotation.window.timeZone %q is not in the IANA time zone database", spec.TimeZone)
		}
	}
	for _, d := range spec.Days {
		if day, ok := weekdays[d]; ok {
			w.days = append(w.days, day)
		}
	}
	for _, t := range []struct {
		field, text string
		minutes     *int
	}{{"start", spec.Start, &w.start}, {"end", spec.End, &w.end}} {
		clock, err := time.Parse("15:04", t.text)
		if err != nil {
			return always, fmt.Errorf("rotation.window.%s %q is no time of the day", t.field, t.text)
		}
		*t.minutes = clock.Hour()*60 + clock.Minute()
	}
	return w, nil
}

// contains reports whether the window is open.
func (w window) contains(t time.Time) bool {
	t = t.In(w.zone)
	minute, today := t.Hour()*60+t.Minute(), t.Weekday()
	if w.start < w.end {
		return w.on(today) && w.start <= minute && minute < w.end
	}
	// It ends on the next day, and belongs to the one on which it starts.
	yesterday := (today + 6) % 7
	return (w.on(today) && minute >= w.start) || (w.on(yesterday) && minute < w.end)
}

func (w window) on(day time.Weekday) bool {
	return len(w.days) == 0 || slices.Contains(w.days, day)
}

// searched is how many days are looked at for the next opening: a week, and
// another where a change of the clocks takes the only one of the first.
const searched = 15

// next returns the first time from t on at which the window is open. It is zero
// where there is none in two weeks, which no real window is.
func (w window) next(t time.Time) time.Time {
	if w.contains(t) {
		return t
	}
	local := t.In(w.zone)
	for offset := range searched {
		day := time.Date(local.Year(), local.Month(), local.Day()+offset, 12, 0, 0, 0, w.zone)
		var first time.Time
		for _, candidate := range w.openings(day) {
			if !candidate.Before(t) && w.contains(candidate) {
				first = earlier(first, candidate)
			}
		}
		if !first.IsZero() {
			return first
		}
	}
	return time.Time{}
}

// openings are the times of that day at which the window can open: when the clock
// shows the start, once or twice, and where the clocks are changed.
func (w window) openings(noon time.Time) []time.Time {
	start := time.Date(noon.Year(), noon.Month(), noon.Day(), w.start/60, w.start%60, 0, 0, w.zone)
	openings := []time.Time{start}
	midnight := noon.Add(-12 * time.Hour)
	for _, t := range []time.Time{midnight, noon} {
		_, change := t.ZoneBounds()
		if change.IsZero() || change.Sub(noon).Abs() > 36*time.Hour {
			continue
		}
		_, before := change.Add(-time.Second).Zone()
		_, after := change.Zone()
		shift := time.Duration(after-before) * time.Second
		openings = append(openings, change, start.Add(shift), start.Add(-shift))
	}
	// What is not the start by the clock is none, but for the change itself.
	return slices.DeleteFunc(openings, func(o time.Time) bool {
		local := o.In(w.zone)
		begins, _ := local.ZoneBounds()
		return !local.Equal(begins) && local.Hour()*60+local.Minute() != w.start
	})
}
