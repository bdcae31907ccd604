package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// row is one line of the report: something measured beside its floor.
type row struct {
	what     string
	measured float64
	floor    float64 // 0 for none
	unit     string
	aim      string
	note     string
}

// report prints the rows as a table. The ratio to the floor, which was taken on
// the same machine in the same run, is what can be compared between machines.
func report(out io.Writer, rows []row) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "WHAT\tMEASURED\tFLOOR\tRATIO\tAIM\tNOTE")
	for _, r := range rows {
		floor, ratio := "-", "-"
		if r.floor > 0 {
			floor = fmt.Sprintf("%.4g %s", r.floor, r.unit)
			ratio = fmt.Sprintf("%.2f", r.measured/r.floor)
		}
		_, _ = fmt.Fprintf(table, "%s\t%.4g %s\t%s\t%s\t%s\t%s\n", r.what, r.measured, r.unit, floor, ratio, r.aim, r.note)
	}
	return table.Flush()
}
