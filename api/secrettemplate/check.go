package secrettemplate

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
)

// kind is a set of what an expression can be.
type kind uint

const (
	kindText kind = 1 << iota
	kindList
	kindNumber
	kindBool
	kindRoot // the Values themselves, which only have fields

	kindScalar = kindText | kindNumber | kindBool
	kindAny    = kindScalar | kindList
)

// String says what the kind is, for messages.
func (k kind) String() string {
	var names []string
	for i, name := range []string{"a text", "a list", "a number", "true or false", "what has the fields"} {
		if k&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " or ")
}

// fields are the fields of Values and what each is.
var fields = func() map[string]kind {
	all := map[string]kind{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Values]()) {
		all[f.Name] = kindText
		if f.Type.Kind() == reflect.Slice {
			all[f.Name] = kindList
		}
	}
	return all
}()

// problem is what is wrong with a template, and at which byte of it.
type problem struct {
	at      int
	message string
}

// checker judges a template: it works out what each expression is, so that
// nothing can go wrong with one when it is rendered, and how many steps it takes
// at most. It panics with a *problem, which all returns.
type checker struct {
	budget    *budget
	variables []variable // those of inner blocks last
	depth     int
	times     int // how often the node that is judged can be rendered
}

type variable struct {
	name string
	kind kind
}

func refuse(n parse.Node, format string, args ...any) {
	panic(&problem{at: int(n.Position()), message: fmt.Sprintf(format, args...)})
}

// quoted repeats something of the template, and not without end.
func quoted(s string) string {
	const longest = 64
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "..."
	}
	return strconv.Quote(s)
}

// all judges a tree and the templates that it defines, of which there may be none.
func (c *checker) all(tree *parse.Tree, defined map[string]*parse.Tree) (found *problem) {
	defer func() {
		if r := recover(); r != nil {
			p, ok := r.(*problem)
			if !ok {
				panic(r)
			}
			found = p
		}
	}()
	for _, name := range slices.Sorted(maps.Keys(defined)) {
		if other := defined[name]; other != tree {
			refuse(other.Root, "define and block are not available")
		}
	}
	c.times = 1
	c.list(tree.Root, kindRoot)
	return nil
}

// step counts a node.
func (c *checker) step(n parse.Node) {
	if c.times > c.budget.steps {
		refuse(n, "does too much: what stands in a range counts %d times, and there may be %d steps in all templates of a Secret", maxItems, maxSteps)
	}
	c.budget.steps -= c.times
}

// deeper goes one level deeper, and back.
func (c *checker) deeper(n parse.Node) (back func()) {
	c.depth++
	if c.depth > maxDepth {
		refuse(n, "nests deeper than %d levels", maxDepth)
	}
	return func() { c.depth-- }
}

// enter goes into a block, with variables of its own, and leave comes back.
func (c *checker) enter(n parse.Node) (leave func()) {
	back, visible, times := c.deeper(n), len(c.variables), c.times
	return func() {
		back()
		c.variables, c.times = c.variables[:visible], times
	}
}

func (c *checker) list(l *parse.ListNode, dot kind) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		c.step(n)
		c.node(n, dot)
	}
}

func (c *checker) node(n parse.Node, dot kind) {
	switch n := n.(type) {
	case *parse.TextNode, *parse.CommentNode, *parse.BreakNode, *parse.ContinueNode:
	case *parse.ActionNode:
		k := c.pipe(n.Pipe, dot)
		if len(n.Pipe.Decl) == 0 && k&kindList != 0 {
			refuse(n.Pipe.Cmds[0], "this is %s: use join, json or range to write a list", k)
		}
	case *parse.IfNode:
		c.branch(&n.BranchNode, dot)
	case *parse.WithNode:
		c.branch(&n.BranchNode, dot)
	case *parse.RangeNode:
		c.loop(n, dot)
	case *parse.TemplateNode:
		refuse(n, "template and block are not available")
	default:
		refuse(n, "%s is not available", quoted(n.String()))
	}
}

// branch judges if and with.
func (c *checker) branch(n *parse.BranchNode, dot kind) {
	defer c.enter(n)()
	inner := c.pipe(n.Pipe, dot)
	if n.NodeType == parse.NodeIf {
		inner = dot
	}
	c.block(n.List, inner)
	c.block(n.ElseList, dot)
}

// block judges a list with variables of its own.
func (c *checker) block(l *parse.ListNode, dot kind) {
	if l != nil {
		defer c.enter(l)()
		c.list(l, dot)
	}
}

// loop judges range.
func (c *checker) loop(n *parse.RangeNode, dot kind) {
	defer c.enter(n)()
	if k := c.commands(n.Pipe, dot); k != kindList {
		refuse(n.Pipe, "range is over a list, .Scopes or .RedirectURIs, and this is %s", k)
	}
	if n.Pipe.IsAssign {
		refuse(n.Pipe, "range has variables of its own: write := for =")
	}
	c.block(n.ElseList, dot)
	// With one variable it is the element, with two the index comes first.
	for i, v := range n.Pipe.Decl {
		k := kindText
		if i < len(n.Pipe.Decl)-1 {
			k = kindNumber
		}
		c.variables = append(c.variables, variable{v.Ident[0], k})
	}
	c.times *= maxItems
	c.block(n.List, kindText)
}

// pipe judges a pipeline, declarations included, and returns what it is.
func (c *checker) pipe(p *parse.PipeNode, dot kind) kind {
	k := c.commands(p, dot)
	for _, v := range p.Decl {
		name := v.Ident[0]
		if !p.IsAssign {
			c.variables = append(c.variables, variable{name, k})
		} else if was := c.variable(v); k&^was != 0 {
			refuse(v, "%s is %s and cannot become %s", quoted(name), was, k)
		}
	}
	return k
}

// variable returns what a variable is.
func (c *checker) variable(v *parse.VariableNode) kind {
	for _, known := range slices.Backward(c.variables) {
		if known.name == v.Ident[0] {
			return known.kind
		}
	}
	refuse(v, "there is no variable %s", quoted(v.Ident[0]))
	return 0
}

// commands judges what is piped from left to right.
func (c *checker) commands(p *parse.PipeNode, dot kind) kind {
	defer c.deeper(p)()
	var piped kind
	for _, command := range p.Cmds {
		c.step(command)
		if f, ok := command.Args[0].(*parse.IdentifierNode); ok {
			piped = c.call(f, command.Args[1:], piped, dot)
			continue
		}
		if len(command.Args) > 1 || piped != 0 {
			refuse(command.Args[0], "%s is no function, and takes nothing", quoted(command.Args[0].String()))
		}
		piped = c.value(command.Args[0], dot)
	}
	return piped
}

// call judges the call of a function. What is piped into it is its last argument.
func (c *checker) call(f *parse.IdentifierNode, args []parse.Node, piped, dot kind) kind {
	s, ok := signatures[f.Ident]
	if !ok {
		refuse(f, "there is no function %s: there are %s", quoted(f.Ident), strings.Join(slices.Sorted(maps.Keys(signatures)), ", "))
	}
	var given []kind
	for _, arg := range args {
		c.step(arg)
		given = append(given, c.value(arg, dot))
	}
	if piped != 0 {
		given = append(given, piped)
	}
	if len(given) < len(s.takes) || (!s.more && len(given) > len(s.takes)) {
		refuse(f, "%s takes %d arguments, and this is %d", f.Ident, len(s.takes), len(given))
	}
	var union kind
	for i, k := range given {
		if wanted := s.takes[min(i, len(s.takes)-1)]; k&^wanted != 0 {
			refuse(f, "argument %d of %s must be %s, and this is %s", i+1, f.Ident, wanted, k)
		}
		union |= k
	}
	switch {
	case s.gives == 0:
		return union
	case f.Ident == "eq" || f.Ident == "ne":
		if union&(union-1) != 0 {
			refuse(f, "%s compares what is of one kind, and this is %s", f.Ident, union)
		}
	}
	return s.gives
}

// value judges an operand and returns what it is.
func (c *checker) value(n parse.Node, dot kind) kind {
	k := kindRoot
	switch n := n.(type) {
	case *parse.DotNode:
		k = dot
	case *parse.FieldNode:
		k = field(n, dot, n.Ident)
	case *parse.VariableNode:
		k = field(n, c.variable(n), n.Ident[1:])
	case *parse.StringNode:
		k = kindText
	case *parse.BoolNode:
		k = kindBool
	case *parse.NumberNode:
		if _, err := strconv.Atoi(n.Text); err != nil {
			refuse(n, "%s is no whole number", quoted(n.Text))
		}
		k = kindNumber
	case *parse.PipeNode:
		k = c.pipe(n, dot)
	case *parse.IdentifierNode:
		k = c.call(n, nil, 0, dot)
	case *parse.ChainNode:
		refuse(n, "there is no field %s here", quoted(strings.Join(n.Field, ".")))
	default:
		refuse(n, "%s is not available", quoted(n.String()))
	}
	if k == kindRoot {
		refuse(n, "this names no field: there are %s", fieldNames())
	}
	return k
}

// field returns what the field of something is; without names, the thing itself.
func field(n parse.Node, of kind, names []string) kind {
	if len(names) == 0 {
		return of
	}
	k, ok := fields[names[0]]
	switch {
	case of == kindRoot && !ok:
		refuse(n, "there is no field %s: there are %s", quoted("."+names[0]), fieldNames())
	case of != kindRoot && ok:
		refuse(n, "there is no field here, where the dot is %s: write $.%s", of, names[0])
	case of != kindRoot || len(names) > 1:
		refuse(n, "there is no field %s here", quoted("."+names[len(names)-1]))
	}
	return k
}

// fieldNames lists the fields as they are written.
func fieldNames() string {
	return "." + strings.Join(slices.Sorted(maps.Keys(fields)), ", .")
}
