package bench

import (
	"fmt"
	"math"
	"os"
	"strings"
)

// series is one line of a plot.
type series struct {
	name   string
	points [][2]float64
}

// plot is a line chart, written as SVG without anything else needed.
type plot struct {
	title, x, y string
	series      []series
	bar         float64 // a level to stay under; 0: none
}

const (
	plotWidth, plotHeight = 720.0, 400.0
	plotLeft, plotRight   = 70.0, 150.0
	plotTop, plotBottom   = 40.0, 50.0
)

var plotColours = []string{"#1c6fb8", "#c2571a", "#2f8f4e", "#8a4fb5"}

// nice is the next step of 1, 2, 5 × 10ⁿ that covers v in about five.
func nice(v float64) float64 {
	if v <= 0 {
		return 1
	}
	step := math.Pow(10, math.Floor(math.Log10(v/5)))
	for _, m := range []float64{1, 2, 5, 10} {
		if v/(m*step) <= 6 {
			return m * step
		}
	}
	return 10 * step
}

// svg draws the plot. Both axes begin at zero: a curve that is flat looks flat.
func (p plot) svg() string {
	var highX, highY float64
	for _, s := range p.series {
		for _, at := range s.points {
			highX, highY = max(highX, at[0]), max(highY, at[1])
		}
	}
	highY = max(highY, p.bar) * 1.05
	stepX, stepY := nice(highX), nice(highY)
	highX, highY = math.Ceil(highX/stepX)*stepX, math.Ceil(highY/stepY)*stepY
	if highX == 0 || highY == 0 {
		highX, highY = max(highX, 1), max(highY, 1)
	}
	x := func(v float64) float64 { return plotLeft + v/highX*(plotWidth-plotLeft-plotRight) }
	y := func(v float64) float64 { return plotHeight - plotBottom - v/highY*(plotHeight-plotTop-plotBottom) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif" font-size="12"><rect width="100%%" height="100%%" fill="#fff"/><text x="%.0f" y="22" font-size="15">%s</text>`+"\n", plotWidth, plotHeight, plotLeft, escape(p.title))
	for v := 0.0; v <= highX+stepX/2; v += stepX {
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle" fill="#555">%s</text>`+"\n", x(v), y(0)+18, label(v))
	}
	for v := 0.0; v <= highY+stepY/2; v += stepY {
		fmt.Fprintf(&b, `<path d="M%.1f %.1fH%.1f" stroke="#ddd"/><text x="%.1f" y="%.1f" text-anchor="end" fill="#555">%s</text>`+"\n", x(0), y(v), x(highX), x(0)-8, y(v)+4, label(v))
	}
	fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle">%s</text><text transform="translate(18 %.1f) rotate(-90)" text-anchor="middle">%s</text>`+"\n", x(highX/2), plotHeight-10, escape(p.x), y(highY/2), escape(p.y))
	if p.bar > 0 {
		fmt.Fprintf(&b, `<path d="M%.1f %.1fH%.1f" stroke="#b00" stroke-dasharray="6 4"/><text x="%.1f" y="%.1f" fill="#b00">bar</text>`+"\n", x(0), y(p.bar), x(highX), x(highX)+8, y(p.bar)+4)
	}
	for i, s := range p.series {
		s.draw(&b, plotColours[i%len(plotColours)], x, y)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (s series) draw(b *strings.Builder, colour string, x, y func(float64) float64) {
	var path strings.Builder
	for i, at := range s.points {
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], x(at[0]), y(at[1]))
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(at[0]), y(at[1]), colour)
	}
	if n := len(s.points); n > 0 {
		last := s.points[n-1]
		fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/><text x="%.1f" y="%.1f" fill="%s">%s</text>`+"\n", path.String(), colour, x(last[0])+8, y(last[1])+4, colour, escape(s.name))
	}
}

func label(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%gk", round(v/1000))
	}
	return fmt.Sprintf("%g", round(v))
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// write stores the plot; an empty path writes nothing.
func (p plot) write(path string) error {
	if path == "" {
		return nil
	}
	return os.WriteFile(path, []byte(p.svg()), 0o644)
}

// percentiles is the plot of reply times: how many milliseconds each part of
// the messages took at most.
func percentiles(title string, lines map[string]*Histogram, order ...string) plot {
	p := plot{title: title, x: "nines: 1 is 90 %, 2 is 99 %, 3 is 99.9 %", y: "ms"}
	for _, name := range order {
		s := series{name: name}
		for n := 0.0; n <= 4; n += 0.1 {
			s.points = append(s.points, [2]float64{n, ms(lines[name].Quantile(1 - math.Pow(10, -n)))})
		}
		p.series = append(p.series, s)
	}
	return p
}
