package server

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/tools/go/packages"
)

// keepers are the packages through which secrets pass, and what is made from them:
// client secrets, passwords, codes, tokens, cookies, sealed state, verifiers,
// challenges, MACs and hashes.
var keepers = []string{
	"oauth-operator.dev/api/credential", "oauth-operator.dev/api/passwordhash", "oauth-operator.dev/api/keyring",
	"oauth-operator.dev/server", "oauth-operator.dev/server/accesstoken", "oauth-operator.dev/server/assertion",
	"oauth-operator.dev/server/authorization", "oauth-operator.dev/server/clientauth", "oauth-operator.dev/server/device",
	"oauth-operator.dev/server/devicecode", "oauth-operator.dev/server/grant",
	"oauth-operator.dev/server/introspection", "oauth-operator.dev/server/keys", "oauth-operator.dev/server/logout",
	"oauth-operator.dev/server/oauth", "oauth-operator.dev/server/registration", "oauth-operator.dev/server/resourceowner",
	"oauth-operator.dev/server/revocation", "oauth-operator.dev/server/token", "oauth-operator.dev/server/userinfo",
}

// comparers are the functions of the standard library that stop at the first
// difference, or at the first hit.
var comparers = map[string]bool{
	"bytes.Equal": true, "bytes.EqualFold": true, "bytes.Compare": true, "bytes.Contains": true, "bytes.HasPrefix": true, "bytes.HasSuffix": true, "bytes.Index": true,
	"strings.Compare": true, "strings.EqualFold": true, "strings.Contains": true, "strings.HasPrefix": true, "strings.HasSuffix": true, "strings.Index": true,
	"slices.Equal": true, "slices.Compare": true, "slices.Contains": true, "slices.Index": true, "slices.BinarySearch": true,
	"cmp.Compare": true, "cmp.Less": true, "maps.Equal": true, "reflect.DeepEqual": true,
}

// operators are those of the language that do.
var operators = []token.Token{token.EQL, token.NEQ, token.LSS, token.GTR, token.LEQ, token.GEQ}

// comparison is a place where two texts, neither of which is a constant, are
// compared in a time that depends on them.
type comparison struct{ where, what string }

func (c comparison) String() string { return c.where + ": " + c.what }

// comparisons finds them all in the type-checked source of a package.
func comparisons(pkg *packages.Package) (found []comparison) {
	info := pkg.TypesInfo
	variable := func(e ast.Expr) bool {
		tv := info.Types[e]
		return tv.Value == nil && !tv.IsNil() && textual(tv.Type)
	}
	for _, file := range pkg.Syntax {
		for _, decl := range file.Decls {
			where := strings.TrimPrefix(pkg.PkgPath, "oauth-operator.dev/")
			if f, ok := decl.(*ast.FuncDecl); ok {
				where += "." + f.Name.Name
			}
			note := func(n ast.Node) { found = append(found, comparison{where, source(pkg.Fset, n)}) }
			ast.Inspect(decl, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.BinaryExpr:
					if slices.Contains(operators, n.Op) && variable(n.X) && variable(n.Y) {
						note(n)
					}
				case *ast.SwitchStmt:
					if n.Tag == nil || !variable(n.Tag) {
						return true
					}
					for _, clause := range n.Body.List {
						for _, e := range clause.(*ast.CaseClause).List {
							if variable(e) {
								note(&ast.BinaryExpr{X: n.Tag, Op: token.EQL, Y: e})
							}
						}
					}
				case *ast.CallExpr:
					if callee := calledFunction(info, n); callee != nil && callee.Pkg() != nil && comparers[callee.Pkg().Name()+"."+callee.Name()] &&
						len(n.Args) >= 2 && !constant(info, n.Args[0]) && !constant(info, n.Args[1]) && (textual(info.TypeOf(n.Args[0])) || textual(info.TypeOf(n.Args[1]))) {
						note(n)
					}
				}
				return true
			})
		}
	}
	return found
}

// calledFunction returns the function that a call is of, generic or not.
func calledFunction(info *types.Info, call *ast.CallExpr) *types.Func {
	fun := ast.Unparen(call.Fun)
	if i, ok := fun.(*ast.IndexExpr); ok {
		fun = i.X
	}
	selector, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	f, _ := info.Uses[selector.Sel].(*types.Func)
	return f
}

func constant(info *types.Info, e ast.Expr) bool { return info.Types[e].Value != nil }

// textual reports whether a secret could be of the type: a text, bytes, or what
// holds such.
func textual(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Info()&types.IsString != 0
	case *types.Slice:
		return textual(u.Elem()) || isByte(u.Elem())
	case *types.Array:
		return textual(u.Elem()) || isByte(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if textual(f.Type()) {
				return true
			}
		}
	case *types.TypeParam:
		return true
	case *types.Interface:
		return types.IsInterface(t) && u.Empty()
	}
	return false
}

func isByte(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Kind() == types.Uint8
}

// source returns the text of an expression in one line.
func source(fset *token.FileSet, n ast.Node) string {
	var b bytes.Buffer
	_ = (&printer.Config{Mode: printer.RawFormat}).Fprint(&b, fset, n)
	return strings.Join(strings.Fields(b.String()), " ")
}

// load type-checks the packages.
func load(patterns ...string) []*packages.Package {
	GinkgoHelper()
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports | packages.NeedExportFile,
	}, patterns...)
	Expect(err).NotTo(HaveOccurred())
	for _, pkg := range loaded {
		Expect(pkg.Errors).To(BeEmpty())
	}
	return loaded
}

// imported has the packages that the loaded ones import.
type imported map[string]*types.Package

func (i imported) Import(path string) (*types.Package, error) {
	if pkg, ok := i[path]; ok {
		return pkg, nil
	}
	return nil, fmt.Errorf("nothing imports %s", path)
}

// replaced type-checks the package again, with one file in another state.
func replaced(pkg *packages.Package, path, text string, from imported) *packages.Package {
	GinkgoHelper()
	again := &packages.Package{PkgPath: pkg.PkgPath, Fset: token.NewFileSet(), TypesInfo: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}}
	for _, name := range pkg.GoFiles {
		var source any
		if name == path {
			source = text
		}
		file, err := parser.ParseFile(again.Fset, name, source, parser.SkipObjectResolution)
		Expect(err).NotTo(HaveOccurred())
		again.Syntax = append(again.Syntax, file)
	}
	_, err := (&types.Config{Importer: from}).Check(pkg.PkgPath, again.Fset, again.Syntax, again.TypesInfo)
	Expect(err).NotTo(HaveOccurred())
	return again
}

// slips are the places where secrets are compared in constant time, each broken in
// the way that a change could break it. The right function is still called, so that
// what is broken compiles.
var slips = []struct{ file, right, wrong string }{
	{"../api/credential/credential.go", "hmac.Equal(sum, mac(key, subject, secret))", "(hmac.Equal(nil, nil) && string(sum) == string(mac(key, subject, secret)))"},
	{"../api/passwordhash/argon2id.go", "subtle.ConstantTimeCompare(tag, a.tag) == 1", "subtle.ConstantTimeCompare(nil, nil) == 1 && bytes.Equal(tag, a.tag)"},
	{"grant/refresh.go", "hmac.Equal(t.digest[:], digest[:])", "hmac.Equal(nil, nil) && t.digest == digest"},
	{"token/pkce.go", "subtle.ConstantTimeCompare([]byte(computed), []byte(challenge)) != 1", "subtle.ConstantTimeCompare(nil, nil) != 1 || computed != challenge"},
	{"keys/keys.go", "hmac.Equal(sum, hmacSHA256(k.Material, message))", "hmac.Equal(nil, nil) && slices.Equal(sum, hmacSHA256(k.Material, message))"},
	{"resourceowner/browser.go", "subtle.ConstantTimeCompare([]byte(e.Browser), []byte(browser)) != 1", "subtle.ConstantTimeCompare(nil, nil) != 1 || strings.Compare(e.Browser, browser) != 0"},
	{"resourceowner/session.go", "subtle.ConstantTimeCompare([]byte(person.LoginTag), []byte(rec.LoginTag)) != 1", "subtle.ConstantTimeCompare(nil, nil) != 1 || person.LoginTag != rec.LoginTag"},
}

// slipped returns a file with the slip made, and its absolute path.
func slipped(file, right, wrong string) (path, text string) {
	GinkgoHelper()
	path, err := filepath.Abs(file)
	Expect(err).NotTo(HaveOccurred())
	content, err := os.ReadFile(path) // #nosec G304 -- a file of this repository
	Expect(err).NotTo(HaveOccurred())
	Expect(strings.Count(string(content), right)).To(Equal(1), "%s: %s", file, right)
	text = strings.Replace(string(content), right, wrong, 1)
	for _, name := range []string{"bytes", "slices", "strings"} {
		if strings.Contains(wrong, " "+name+".") && !strings.Contains(text, "\n\t\""+name+"\"\n") {
			text = strings.Replace(text, "\nimport (\n", "\nimport (\n\t\""+name+"\"\n", 1)
		}
	}
	return path, text
}

var _ = Describe("Timing of secret comparison, in the source:", Ordered, func() {
	allowed := map[string]bool{}
	for _, places := range innocent {
		for _, place := range places {
			allowed[place] = true
		}
	}
	var loaded []*packages.Package
	BeforeAll(func() { loaded = load(keepers...) })

	It("whatever is compared in a time of its own is no secret, and every one of these places is known", func() {
		found := map[string]bool{}
		var unknown, gone []string
		for _, pkg := range loaded {
			for _, c := range comparisons(pkg) {
				if !allowed[c.String()] && !found[c.String()] {
					unknown = append(unknown, c.String())
				}
				found[c.String()] = true
			}
		}
		for place := range allowed {
			if !found[place] {
				gone = append(gone, place)
			}
		}
		Expect(unknown).To(BeEmpty(),
			"these compare two texts in a time that depends on them: use crypto/subtle, or say in comparison_innocent_test.go why neither is a secret")
		Expect(gone).To(BeEmpty(), "these are not there any more: take them off the list")
	})

	It("a secret that is compared by ==, bytes, slices or strings is found, wherever it is", func() {
		from := imported{}
		for _, pkg := range loaded {
			for _, p := range pkg.Types.Imports() {
				from[p.Path()] = p
			}
		}
		for _, slip := range slips {
			path, text := slipped(slip.file, slip.right, slip.wrong)
			i := slices.IndexFunc(loaded, func(pkg *packages.Package) bool { return slices.Contains(pkg.GoFiles, path) })
			Expect(i).To(BeNumerically(">=", 0), "%s is in none of the packages that are looked at", slip.file)
			var found []string
			for _, c := range comparisons(replaced(loaded[i], path, text, from)) {
				if !allowed[c.String()] {
					found = append(found, c.String())
				}
			}
			Expect(found).To(HaveLen(1), "%s: %s", slip.file, slip.wrong)
		}
	})
})
