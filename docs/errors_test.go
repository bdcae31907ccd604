package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// speaker is a function of the server that takes what people are told: the code, or
// where it has one of its own, that; and the sentence.
type speaker struct {
	code     string // "" if an argument has it
	codeAt   int
	sentence int
}

// speakers are all of them, by name. Whoever adds one adds it here: a sentence that
// comes in a variable is not found otherwise, and the test below says so.
var speakers = map[string]speaker{
	"NewError": {codeAt: 0, sentence: 1}, "InvalidTarget": {code: "invalid_target", sentence: 0},
	"invalidGrant": {code: "invalid_grant", sentence: 0}, "invalidRequest": {code: "invalid_request", sentence: 0},
	"explained": {code: "invalid_client", sentence: 1}, "RefusalError": {code: "invalid_client", sentence: 0},
	"settle": {code: "invalid_grant", sentence: 3}, "redeem": {code: "invalid_grant", sentence: 2},
	"malformed": {codeAt: 0, sentence: 1}, // the title of a page
}

// told is what people are told: the public half of an error.
type told struct{ code, sentence string }

var _ = Describe("errors.md", func() {
	It("has every code and every sentence that the server says, with cause and cure, and no other", func() {
		raw, err := os.ReadFile("errors.md")
		Expect(err).NotTo(HaveOccurred())
		tables, sentences, found := strings.Cut(string(raw), "\n## By the sentence\n")
		Expect(found).To(BeTrue())
		rows := map[told]bool{}
		for line := range strings.Lines(sentences) {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
			if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| sentence ") {
				continue
			}
			Expect(cells).To(HaveLen(3), line)
			Expect(strings.TrimSpace(cells[2])).NotTo(BeEmpty(), line)
			for code := range strings.SplitSeq(cells[1], ", ") {
				rows[told{strings.Trim(code, "` "), strings.TrimSpace(cells[0])}] = true
			}
		}
		said := publicHalves()
		Expect(len(said)).To(BeNumerically(">", 90))
		var missing []string
		for one := range said {
			if !rows[one] {
				missing = append(missing, "| "+one.sentence+" | `"+one.code+"` | cause and cure |")
			}
		}
		Expect(missing).To(BeEmpty(), "add these rows")
		for one := range said {
			Expect(tables).To(ContainSubstring("`"+one.code+"`"), "add the code to the table of each endpoint that answers it")
		}
		for row := range rows {
			Expect(said).To(HaveKey(row), "nobody says so any more")
		}
	})
})

// publicHalves reads the sources of the server for what people are told.
func publicHalves() map[told]bool {
	GinkgoHelper()
	packages := map[string][]*ast.File{}
	set := token.NewFileSet()
	Expect(filepath.WalkDir("../server", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "protocoltest") {
			return err
		}
		file, err := parser.ParseFile(set, path, nil, 0)
		packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], file)
		return err
	})).To(Succeed())
	words := constants{}
	words.read("oauth.", packages[filepath.Join("..", "server", "oauth")])
	said := map[told]bool{}
	for dir, files := range packages {
		own := constants{}
		for name, value := range words {
			own[name] = value
			if filepath.Base(dir) == "oauth" {
				own[strings.TrimPrefix(name, "oauth.")] = value
			}
		}
		own.read("", files)
		for _, file := range files {
			own.listen(file, set, said)
		}
	}
	return said
}

// constants are texts by their names in the source.
type constants map[string]string

func (c constants) read(prefix string, files []*ast.File) {
	for _, file := range files {
		for _, declaration := range file.Decls {
			general, ok := declaration.(*ast.GenDecl)
			if !ok || general.Tok != token.CONST {
				continue
			}
			for _, one := range general.Specs {
				value, ok := one.(*ast.ValueSpec)
				if !ok || len(value.Values) != len(value.Names) {
					continue
				}
				for i, name := range value.Names {
					if text, ok := c.text(value.Values[i]); ok {
						c[prefix+name.Name] = text
					}
				}
			}
		}
	}
}

// text evaluates an expression. What is not known before the server runs is an ellipsis;
// it reports whether anything is known.
func (c constants) text(expression ast.Expr) (string, bool) {
	switch e := expression.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.Ident:
		text, ok := c[e.Name]
		return text, ok
	case *ast.SelectorExpr:
		if of, ok := e.X.(*ast.Ident); ok {
			text, ok := c[of.Name+"."+e.Sel.Name]
			return text, ok
		}
	case *ast.CallExpr: // a conversion
		if of, ok := e.Fun.(*ast.Ident); ok && of.Name == "string" && len(e.Args) == 1 {
			return c.text(e.Args[0])
		}
	case *ast.BinaryExpr:
		left, known := c.text(e.X)
		right, also := c.text(e.Y)
		if !known {
			left = "…"
		}
		if !also {
			right = "…"
		}
		return left + right, known || also
	}
	return "", false
}

// listen notes what the functions of a file say.
func (c constants) listen(file *ast.File, set *token.FileSet, said map[told]bool) {
	GinkgoHelper()
	for _, declaration := range file.Decls {
		function, _ := declaration.(*ast.FuncDecl)
		ast.Inspect(declaration, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.CallExpr:
				name := called(n)
				who, ok := speakers[name]
				if !ok || len(n.Args) <= who.sentence {
					return true
				}
				sentence, known := c.text(n.Args[who.sentence])
				if !known {
					helper := function != nil && speakers[function.Name.Name] != (speaker{})
					if conversion, ok := n.Args[who.sentence].(*ast.CallExpr); ok && called(conversion) == "string" {
						helper = true // of a RefusalError, whose sentence was found where it is made
					}
					Expect(helper).To(BeTrue(), "%s: a sentence that comes in a variable: add the function to the speakers", set.Position(n.Pos()))
					return true
				}
				code := who.code
				if code == "" {
					code, known = c.text(n.Args[who.codeAt])
					Expect(known).To(BeTrue(), "%s: which code is it?", set.Position(n.Pos()))
				}
				said[told{code, sentence}] = true
			case *ast.CompositeLit:
				members := c.members(n)
				if members["Title"] != "" && members["Code"] != "" {
					said[told{members["Code"], members["Title"]}] = true
				}
			}
			return true
		})
	}
}

func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// members returns what is known of the members of a struct.
func (c constants) members(literal *ast.CompositeLit) map[string]string {
	members := map[string]string{}
	for _, element := range literal.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			if name, ok := pair.Key.(*ast.Ident); ok {
				members[name.Name], _ = c.text(pair.Value)
			}
		}
	}
	return members
}
