package app_test

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The house rules of docs/architecture.md as tests. Each names the rule it
// holds, so that a failure reads as a sentence.

const module = "github.com/forecourt-ev/forecourt/"

// source is one parsed Go file of the repository.
type source struct {
	path      string // from the repository root, with slashes
	pkg       string // directory from the root
	test      bool
	generated bool
	lines     int
	text      string
	file      *ast.File
}

var fset = token.NewFileSet()

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	root := ".."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "bin") {
				return filepath.SkipDir
			}
			if nested(path) {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, ".go") {
			all = append(all, parse(t, root, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// nested reports a directory that is a module of its own (test-only peers).
func nested(dir string) bool {
	if dir == ".." {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func parse(t *testing.T, root, path string) source {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(fset, path, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	rel, _ := filepath.Rel(root, path)
	rel = filepath.ToSlash(rel)
	return source{
		path: rel, pkg: filepath.ToSlash(filepath.Dir(rel)), test: strings.HasSuffix(rel, "_test.go"),
		generated: ast.IsGenerated(file), lines: strings.Count(string(text), "\n"), text: string(text), file: file,
	}
}

func layout(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("layout.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows map[string][]string
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestImportsFollowTheLayoutTable(t *testing.T) {
	rows := layout(t)
	for _, s := range sources(t) {
		allowed, known := rows[s.pkg]
		below := reach(rows, append(slices.Clone(allowed), "schema", "schema/schematest", "foundation/web/webtest"))
		if !known {
			t.Errorf("%s: package %s has no row in app/layout.json", s.path, s.pkg)
			continue
		}
		for _, imp := range s.file.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			want, ours := strings.CutPrefix(path, module)
			if !ours || want == s.pkg || slices.Contains(allowed, want) {
				continue
			}
			if s.test && slices.Contains(below, want) {
				continue
			}
			t.Errorf("%s: %s may not import %s (app/layout.json)", s.path, s.pkg, want)
		}
	}
}

// reach gives the packages and all that they may import: what a test may use
// to furnish the rooms below its own.
func reach(rows map[string][]string, from []string) []string {
	seen := map[string]bool{}
	for len(from) > 0 {
		p := from[0]
		from = from[1:]
		if !seen[p] {
			seen[p] = true
			from = append(from, rows[p]...)
		}
	}
	return slices.Collect(maps.Keys(seen))
}

func TestLayoutTableHasNoCycle(t *testing.T) {
	rows := layout(t)
	state := map[string]int{}
	var visit func(string, []string)
	visit = func(p string, trail []string) {
		switch state[p] {
		case 1:
			t.Errorf("cycle: %s", strings.Join(append(trail, p), " → "))
		case 0:
			state[p] = 1
			for _, q := range rows[p] {
				visit(q, append(trail, p))
			}
			state[p] = 2
		}
	}
	for p := range rows {
		visit(p, nil)
	}
}

func TestEveryPackageHasADoc(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		documented[s.pkg] = documented[s.pkg] || s.file.Doc != nil
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no doc comment", pkg)
		}
	}
}

var vague = regexp.MustCompile(`(^|/)(utils?|common|helpers?|models?|misc|shared|base|manager)(/|\.go$|_test\.go$)`)

func TestNoVagueNames(t *testing.T) {
	for _, s := range sources(t) {
		if vague.MatchString(s.path) {
			t.Errorf("%s: the name says nothing; name the noun it holds", s.path)
		}
	}
}

func TestFileAndFunctionBudgets(t *testing.T) {
	var files, functions []int
	for _, s := range sources(t) {
		if s.test || s.generated {
			continue
		}
		files = append(files, s.lines)
		if s.lines > 800 {
			t.Errorf("%s has %d lines; no file over 800", s.path, s.lines)
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				functions = append(functions, fset.Position(f.End()).Line-fset.Position(f.Pos()).Line+1)
			}
		}
	}
	if p := percentile(files, 90); p > 400 {
		t.Errorf("file length p90 is %d lines; at most 400", p)
	}
	if p := percentile(functions, 90); p > 40 {
		t.Errorf("function length p90 is %d lines; at most 40", p)
	}
	long := 0
	for _, n := range functions {
		if n > 80 {
			long++
		}
	}
	if long*100 >= max(len(functions), 1) {
		t.Errorf("%d of %d functions have over 80 lines; under 1 %%", long, len(functions))
	}
}

func percentile(v []int, p int) int {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[len(v)*p/100]
}

func TestInterfacesAreNarrow(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			i, ok := spec.Type.(*ast.InterfaceType)
			if ok && i.Methods.NumFields() > 8 && !(s.pkg == "ocpp" && spec.Name.Name == "CSMS") {
				t.Errorf("%s: interface %s has %d methods; at most 8", s.path, spec.Name.Name, i.Methods.NumFields())
			}
			return true
		})
	}
}

// clockRooms may read the clock; everywhere else the instant is an input.
var clockRooms = []string{"foundation/db", "app", "cmd/forecourt", "test", "bench", "trial", "schema/schematest"}

func TestTimeNowIsAnInput(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || slices.Contains(clockRooms, s.pkg) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Now" {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
					t.Errorf("%s: time.Now; take the instant as an input", fset.Position(sel.Pos()))
				}
			}
			return true
		})
	}
}

// exactRooms hold money and energy; no float may appear in them.
var exactRooms = []string{"tariff", "session", "billing", "foundation/money", "foundation/unit", "ocpi", "payment", "subscription"}

func TestNoFloatNearMoneyOrEnergy(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !slices.Contains(exactRooms, s.pkg) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.Ident:
				if x.Name == "float64" || x.Name == "float32" {
					t.Errorf("%s: %s", fset.Position(x.Pos()), x.Name)
				}
			case *ast.BasicLit:
				if x.Kind == token.FLOAT {
					t.Errorf("%s: float literal %s", fset.Position(x.Pos()), x.Value)
				}
			}
			return true
		})
	}
}

var (
	createTable = regexp.MustCompile(`(?i)CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)`)
	useTable    = regexp.MustCompile(`(?i)\b(?:FROM|INTO|UPDATE|JOIN|TABLE)\s+(\w+)`)
)

// owners maps each table to the package of the migration that makes it:
// schema/0004_station.sql belongs to station.
func owners(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../schema/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations found: %v", err)
	}
	rows := layout(t)
	own := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, room, _ := strings.Cut(strings.TrimSuffix(filepath.Base(f), ".sql"), "_")
		room, _, _ = strings.Cut(room, "_")
		if _, ok := rows[room]; !ok {
			room = map[string]string{"foundation": "foundation/", "retention": "foundation/", "gateway": "ocpp/gateway"}[room]
		}
		for _, m := range createTable.FindAllStringSubmatch(string(text), -1) {
			if _, taken := own[m[1]]; !taken {
				own[m[1]] = room
			}
		}
	}
	return own
}

func TestTablesAreReadByTheirOwnerOnly(t *testing.T) {
	own := owners(t)
	for _, s := range sources(t) {
		if s.test || s.pkg == "report" || s.pkg == "trial" || s.pkg == "schema/schematest" { // trial looks from outside, and writes nothing
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			for _, m := range useTable.FindAllStringSubmatch(lit.Value, -1) {
				room, known := own[strings.ToLower(m[1])]
				if known && s.pkg != room && !(room == "foundation/" && strings.HasPrefix(s.pkg, "foundation/")) {
					t.Errorf("%s: table %s belongs to %s; go through its service", fset.Position(lit.Pos()), m[1], room)
				}
			}
			return true
		})
	}
}

var citation = regexp.MustCompile(`OCPP (2\.0\.1|2\.1) ([A-Z]\d{2}\.FR\.\d{2,3})`)

func TestCitedRequirementsExist(t *testing.T) {
	known := map[string]map[string]bool{}
	for _, version := range []string{"2.0.1", "2.1"} {
		text, err := os.ReadFile("../docs/requirements/ocpp-" + version + ".csv")
		if err != nil {
			t.Fatal(err)
		}
		known[version] = map[string]bool{}
		for _, id := range strings.Fields(string(text)) {
			known[version][id] = true
		}
	}
	for _, s := range sources(t) {
		for _, m := range citation.FindAllStringSubmatch(s.text, -1) {
			if !known[m[1]][m[2]] {
				t.Errorf("%s cites OCPP %s %s, which docs/requirements does not know", s.path, m[1], m[2])
			}
		}
	}
}

// TestGoldenCoverage writes what is done of OCPP, and which requirements the
// code cites, and where.
func TestGoldenCoverage(t *testing.T) {
	cited := map[string]map[string]bool{}
	for _, s := range sources(t) {
		for _, m := range citation.FindAllStringSubmatch(s.text, -1) {
			id := m[1] + " " + m[2]
			if cited[id] == nil {
				cited[id] = map[string]bool{}
			}
			cited[id][s.path] = true
		}
	}
	var b strings.Builder
	b.WriteString(useCasePage(useCases(t)))
	b.WriteString("\n## Requirements cited in the code\n\nA requirement stands here when a line of code or a test names it; the ids are in `docs/requirements/ocpp-*.csv`.\n\n| requirement | where |\n|---|---|\n")
	for _, id := range slices.Sorted(maps.Keys(cited)) {
		b.WriteString("| " + id + " | " + strings.Join(slices.Sorted(maps.Keys(cited[id])), ", ") + " |\n")
	}
	path := "../docs/requirements/coverage.md"
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || string(want) != b.String() {
		t.Errorf("%s is not up to date; run `make golden` (%v)", path, err)
	}
}
