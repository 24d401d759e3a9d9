package bench

import (
	"fmt"
	"math"
	"os"
	"strings"
)

// series is one line of a panel.
type series struct {
	name   string
	points [][2]float64
	area   bool // filled down to the axis
}

// mark is an upright line in a panel: an event, or a percentile.
type mark struct {
	at   float64
	name string
}

// panel is one line chart.
type panel struct {
	title, x, y string
	series      []series
	marks       []mark
	bar         float64 // a level to stay under; 0: none
	log         bool    // x is drawn by its logarithm
	dots        bool    // every point is shown
}

// plot is panels one above another, written as SVG without anything else
// needed. Its colours follow the reader's wish for light or dark.
type plot []panel

const (
	plotWidth, plotHeight = 760.0, 300.0 // of a panel
	plotLeft, plotRight   = 70.0, 160.0
	plotTop, plotBottom   = 44.0, 50.0
)

// The colours keep a contrast of 4.5 to 1 on their ground.
const plotStyle = `<style>
svg{font:12px system-ui,sans-serif;color-scheme:light dark}
.ground{fill:#fff}.ink{fill:#222}.soft{fill:#5b5b5b}.grid{stroke:#e2e2e2}.bar{stroke:#b3261e;stroke-dasharray:6 4}.barname{fill:#b3261e}.mark{stroke:#767676;stroke-dasharray:2 3}
.line{fill:none;stroke-width:2}.area{fill-opacity:.18;stroke:none}
.s0{stroke:#1463a8}.f0{fill:#1463a8}.s1{stroke:#a8480f}.f1{fill:#a8480f}.s2{stroke:#1f7a3d}.f2{fill:#1f7a3d}.s3{stroke:#7a3fa3}.f3{fill:#7a3fa3}
@media (prefers-color-scheme:dark){.ground{fill:#0d1117}.ink{fill:#e6e6e6}.soft{fill:#a3a3a3}.grid{stroke:#2b3038}.bar{stroke:#ff8a80}.barname{fill:#ff8a80}.mark{stroke:#9a9a9a}
.s0{stroke:#6cb4f5}.f0{fill:#6cb4f5}.s1{stroke:#f2a272}.f1{fill:#f2a272}.s2{stroke:#7fd69a}.f2{fill:#7fd69a}.s3{stroke:#cba6f0}.f3{fill:#cba6f0}}
</style>`

const plotColours = 4

// svg draws the panels.
func (p plot) svg() string {
	var b strings.Builder
	high := plotHeight * float64(max(len(p), 1))
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f">%s<rect class="ground" width="100%%" height="100%%"/>`+"\n", plotWidth, high, plotStyle)
	for i, one := range p {
		fmt.Fprintf(&b, `<g transform="translate(0 %.0f)">`+"\n", plotHeight*float64(i))
		one.draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// axis turns values into places.
type axis struct {
	low, high, step float64 // step 0: powers of ten
	from, to        float64
}

func (a axis) place(v float64) float64 {
	if a.step == 0 {
		v = min(max(v, a.low), a.high)
		return a.from + math.Log(v/a.low)/math.Log(a.high/a.low)*(a.to-a.from)
	}
	return a.from + (v-a.low)/(a.high-a.low)*(a.to-a.from)
}

func (a axis) ticks() (out []float64) {
	if a.step == 0 {
		for v := a.low; v <= a.high*1.001; v *= 10 {
			out = append(out, v)
		}
		return out
	}
	for v := a.low; v <= a.high+a.step/2; v += a.step {
		out = append(out, v)
	}
	return out
}

// linear is an axis from zero: a curve that is flat looks flat.
func linear(high, from, to float64) axis {
	if high <= 0 {
		high = 1
	}
	step := nice(high)
	return axis{high: math.Ceil(high/step) * step, step: step, from: from, to: to}
}

// decades is a logarithmic axis over whole powers of ten.
func decades(low, high, from, to float64) axis {
	if low <= 0 || high <= low {
		low, high = .1, 10
	}
	return axis{low: math.Pow(10, math.Floor(math.Log10(low))), high: math.Pow(10, math.Ceil(math.Log10(high))), from: from, to: to}
}

// nice is the next step of 1, 2, 5 × 10ⁿ that covers v in about five.
func nice(v float64) float64 {
	step := math.Pow(10, math.Floor(math.Log10(v/5)))
	for _, m := range []float64{1, 2, 5} {
		if v/(m*step) <= 6 {
			return m * step
		}
	}
	return 10 * step
}

func (p panel) axes() (x, y axis) {
	lowX, highX, highY := math.Inf(1), 0.0, 0.0
	for _, s := range p.series {
		for _, at := range s.points {
			lowX, highX, highY = min(lowX, at[0]), max(highX, at[0]), max(highY, at[1])
		}
	}
	y = linear(max(highY, p.bar)*1.05, plotHeight-plotBottom, plotTop)
	if p.log {
		return decades(lowX, highX, plotLeft, plotWidth-plotRight), y
	}
	return linear(highX, plotLeft, plotWidth-plotRight), y
}

func (p panel) draw(b *strings.Builder) {
	x, y := p.axes()
	fmt.Fprintf(b, `<text class="ink" x="%.0f" y="24" font-size="15">%s</text>`+"\n", plotLeft, escape(p.title))
	for _, v := range x.ticks() {
		fmt.Fprintf(b, `<text class="soft" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`+"\n", x.place(v), y.from+18, label(v))
	}
	for _, v := range y.ticks() {
		fmt.Fprintf(b, `<path class="grid" d="M%.1f %.1fH%.1f"/><text class="soft" x="%.1f" y="%.1f" text-anchor="end">%s</text>`+"\n", x.from, y.place(v), x.to, x.from-8, y.place(v)+4, label(v))
	}
	fmt.Fprintf(b, `<text class="ink" x="%.1f" y="%.1f" text-anchor="middle">%s</text><text class="ink" transform="translate(18 %.1f) rotate(-90)" text-anchor="middle">%s</text>`+"\n",
		(x.from+x.to)/2, plotHeight-12, escape(p.x), (y.from+y.to)/2, escape(p.y))
	if p.bar > 0 {
		fmt.Fprintf(b, `<path class="bar" d="M%.1f %.1fH%.1f"/><text class="barname" x="%.1f" y="%.1f">bar</text>`+"\n", x.from, y.place(p.bar), x.to, x.to+8, y.place(p.bar)+4)
	}
	for i, m := range p.marks {
		fmt.Fprintf(b, `<path class="mark" d="M%.1f %.1fV%.1f"/><text class="soft" x="%.1f" y="%.1f">%s</text>`+"\n", x.place(m.at), y.from, y.to, x.place(m.at)+4, y.to+10+float64(i%3)*14, escape(m.name))
	}
	p.lines(b, x, y)
}

// lines draws the curves, and their names where they end, kept apart.
func (p panel) lines(b *strings.Builder, x, y axis) {
	var taken []float64
	for i, s := range p.series {
		if len(s.points) == 0 {
			continue
		}
		colour := i % plotColours
		var path strings.Builder
		for n, at := range s.points {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(n, 1)], x.place(at[0]), y.place(at[1]))
			if p.dots {
				fmt.Fprintf(b, `<circle class="f%d" cx="%.1f" cy="%.1f" r="3"/>`+"\n", colour, x.place(at[0]), y.place(at[1]))
			}
		}
		first, last := s.points[0], s.points[len(s.points)-1]
		if s.area {
			fmt.Fprintf(b, `<path class="area f%d" d="%sL%.1f %.1fL%.1f %.1fZ"/>`+"\n", colour, path.String(), x.place(last[0]), y.from, x.place(first[0]), y.from)
		}
		at := y.place(last[1]) + 4
		for _, other := range taken {
			if math.Abs(at-other) < 14 {
				at = other - 14
			}
		}
		taken = append(taken, at)
		fmt.Fprintf(b, `<path class="line s%d" d="%s"/><text class="f%d" x="%.1f" y="%.1f">%s</text>`+"\n", colour, path.String(), colour, x.place(last[0])+8, at, escape(s.name))
	}
}

// digits keeps three.
func digits(v float64) float64 {
	if v >= 100 || v == 0 {
		return math.Round(v)
	}
	unit := math.Pow(10, math.Floor(math.Log10(v))-2)
	return round(math.Round(v/unit) * unit)
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

// distribution shows how reply times spread, with the percentiles marked.
func distribution(title string, h *Histogram) panel {
	p := panel{title: title, x: "ms, logarithmic", y: "% of messages in each 10 % of time", log: true}
	var points [][2]float64
	total := float64(max(h.Count(), 1))
	end := 0 // what is behind the last that holds anything is not drawn
	h.eighths(func(low, high float64, n int64) {
		if n > 0 || len(points) > 0 {
			points = append(points, [2]float64{math.Sqrt(low*high) / 1000, 100 * float64(n) / total * math.Log(1.1) / math.Log(high/low)})
		}
		if n > 0 {
			end = len(points)
		}
	})
	p.series = []series{{points: points[:end], area: true}}
	if h.Count() > 0 {
		for _, q := range []struct {
			name string
			part float64
		}{{"p50", .5}, {"p99", .99}, {"p99.9", .999}} {
			at := ms(h.Quantile(q.part))
			p.marks = append(p.marks, mark{at, fmt.Sprintf("%s %g ms", q.name, digits(at))})
		}
	}
	return p
}
