//! Templates, and what Go and kubectl make of them over the document of the tests.

pub(super) const FILLED: &[(&str, &str)] = &[
    ("text only", "text only"),
    ("{{.kind}}", "List"),
    ("{{ .kind }}x", "Listx"),
    ("{{.kind -}}   x", "Listx"),
    ("a   {{- .kind}}", "aList"),
    ("a {{- /* c */ -}} b", "ab"),
    ("{{/* c */}}x", "x"),
    (
        "{{.missing}} {{.missing.deeper}} {{.null}}",
        "<no value> <no value> <no value>",
    ),
    (
        "{{.items}}",
        "[map[name:a ports:[80 81 82] ready:true] map[name:b ports:[] ready:false] map[name:c c none:<nil> ports:[90]]]",
    ),
    ("{{.labels}}", "map[app.io/x:1 b:2]"),
    ("{{.big}} {{.half}} {{.yes}}", "1234567 0.5 true"),
    (
        "{{range .items}}{{.name}}:{{len .ports}} {{end}}",
        "a:3 b:0 c c:1 ",
    ),
    (
        "{{range $i, $e := .items}}{{$i}}={{$e.name}};{{end}}",
        "0=a;1=b;2=c c;",
    ),
    (
        "{{range $k, $v := .labels}}{{$k}}={{$v}};{{end}}",
        "app.io/x=1;b=2;",
    ),
    ("{{range $e := .items}}{{$e.name}}{{else}}none{{end}}", "abc c"),
    ("{{range .bare}}x{{else}}none{{end}}", "none"),
    ("{{range .missing}}x{{else}}none{{end}}", "none"),
    ("{{range .null}}x{{else}}none{{end}}", "none"),
    ("{{range 3}}{{.}}{{end}}", "012"),
    ("{{range $i := 3}}{{$i}}{{end}}", "012"),
    (
        r#"{{range .items}}{{if eq .name "b"}}{{break}}{{end}}{{.name}}{{end}}"#,
        "a",
    ),
    (
        r#"{{range .items}}{{if eq .name "b"}}{{continue}}{{end}}{{.name}}{{end}}"#,
        "ac c",
    ),
    (
        "{{if .yes}}a{{else}}b{{end}}{{if .no}}a{{else if .yes}}c{{else}}b{{end}}",
        "ac",
    ),
    ("{{with .labels}}{{.b}}{{$.kind}}{{end}}", "2List"),
    ("{{with .missing}}x{{else}}y{{end}}", "y"),
    ("{{with .missing}}x{{else with .kind}}{{.}}{{end}}", "List"),
    ("{{with $x := .kind}}{{$x}}{{end}}", "List"),
    ("{{$x := 1}}{{$x}}{{$x = 2}}{{$x}}", "12"),
    ("{{$x := 1}}{{if true}}{{$x = 5}}{{$y := 2}}{{end}}{{$x}}", "5"),
    ("{{$x := 1}}{{if true}}{{$x := 5}}{{end}}{{$x}}", "1"),
    (r#"{{index .labels "app.io/x"}}"#, "1"),
    ("{{index .items 1}}", "map[name:b ports:[] ready:false]"),
    ("{{(index .items 1).name}}", "b"),
    (r#"{{index .items 1 "name"}}"#, "b"),
    (r#"{{index .labels "none"}}"#, "<no value>"),
    ("{{index .kind 1}}", "105"),
    (
        "{{index .}}",
        r#"map[bare:[] big:1234567 empty: half:0.5 items:[map[name:a ports:[80 81 82] ready:true] map[name:b ports:[] ready:false] map[name:c c none:<nil> ports:[90]]] kind:List labels:map[app.io/x:1 b:2] no:false none:map[] null:<nil> odd:a<b> & "c" secret:aHVudGVyMg== word:grün yes:true]"#,
    ),
    (
        "{{len .kind}} {{len .items}} {{len .labels}} {{len .word}}",
        "4 3 2 5",
    ),
    (
        "{{slice .kind 1 2}} {{slice .items 1}} {{slice .kind 1}}",
        "i [map[name:b ports:[] ready:false] map[name:c c none:<nil> ports:[90]]] ist",
    ),
    (
        r#"{{print 1 2 "a" 3 4 .null .missing .kind}}"#,
        "1 2a3 4 <nil> <nil>List",
    ),
    (r#"{{println 1 2 "a" .null}}"#, "1 2 a <nil>\n"),
    ("{{print}}", ""),
    (
        r#"{{printf "%s %d %v %q %t" .kind 5 .big "a\n" .yes}}"#,
        r#"List 5 1234567 "a\n" true"#,
    ),
    (r#"{{printf "%d" .big}}"#, "1234567"),
    (
        r#"{{printf "%#v" .items}} {{printf "%#v" .labels}} {{printf "%#v %#v %#v" .kind .half nil}}"#,
        r#"[]interface {}{map[string]interface {}{"name":"a", "ports":[]interface {}{80, 81, 82}, "ready":true}, map[string]interface {}{"name":"b", "ports":[]interface {}{}, "ready":false}, map[string]interface {}{"name":"c c", "none":interface {}(nil), "ports":[]interface {}{90}}} map[string]interface {}{"app.io/x":"1", "b":"2"} "List" 0.5 <nil>"#,
    ),
    (
        r#"{{printf "%d"}} {{printf "%d" 1 2}} {{printf "%"}} {{printf "%z" 1}} {{printf "%!" 1}}"#,
        "%!d(MISSING) 1%!(EXTRA int=2) %!(NOVERB) %!z(int=1) %!!(int=1)",
    ),
    (
        r#"{{printf "%*d" 5 42}} {{printf "%-*d|" 5 42}} {{printf "%.*f" 1 .half}} {{printf "%*d" "a" 1}}"#,
        "   42 42   | 0.5 %!(BADWIDTH)1",
    ),
    (
        r#"{{printf "%6.2d|%+d|% d|%#o|%#x|%#b|%O" 5 5 5 8 255 5 8}}"#,
        "    05|+5| 5|010|0xff|0b101|0o10",
    ),
    (
        r#"{{printf "%s" nil}} {{printf "%v" nil}} {{printf "%d" .null}}"#,
        "%!s(<nil>) <nil> %!d(<nil>)",
    ),
    (
        r#"{{printf "%q %q %+q %#q" "\t\x00\u00e9\u200b" "a`b" "grün" "raw"}}"#,
        r#""\t\x00é\u200b" "a`b" "gr\u00fcn" `raw`"#,
    ),
    (
        r#"{{eq 1 1}} {{eq .kind "List"}} {{eq .kind "a" "List"}} {{ne .kind "a"}}"#,
        "true true true true",
    ),
    ("{{eq .half 0.5}} {{eq .big 1234567}}", "true true"),
    (
        r#"{{eq .missing "a"}} {{eq .missing .null}} {{eq nil .missing}} {{ne .missing "a"}}"#,
        "false true true true",
    ),
    (
        "{{and .yes .kind}} {{and .no .kind}} {{or .no .kind}} {{or .no .empty}} {{not .yes}} {{and true}}",
        "List false List  false true",
    ),
    (
        r#"{{.kind | printf "%s-%s" "a"}} {{"x" | print "y"}} {{.items | len}} {{.kind | len | printf "%03d"}}"#,
        "a-List yx 3 004",
    ),
    (
        "{{.}}{{$}}",
        r#"map[bare:[] big:1234567 empty: half:0.5 items:[map[name:a ports:[80 81 82] ready:true] map[name:b ports:[] ready:false] map[name:c c none:<nil> ports:[90]]] kind:List labels:map[app.io/x:1 b:2] no:false none:map[] null:<nil> odd:a<b> & "c" secret:aHVudGVyMg== word:grün yes:true]map[bare:[] big:1234567 empty: half:0.5 items:[map[name:a ports:[80 81 82] ready:true] map[name:b ports:[] ready:false] map[name:c c none:<nil> ports:[90]]] kind:List labels:map[app.io/x:1 b:2] no:false none:map[] null:<nil> odd:a<b> & "c" secret:aHVudGVyMg== word:grün yes:true]"#,
    ),
    (
        "{{$.items}}",
        "[map[name:a ports:[80 81 82] ready:true] map[name:b ports:[] ready:false] map[name:c c none:<nil> ports:[90]]]",
    ),
    (
        r#"{{html .odd}} {{js .odd}} {{urlquery .odd}} {{html .missing}} {{.odd | html}} {{html 1 2 "a"}} {{urlquery "ü a~"}} {{js "=\n\t\u200b'"}}"#,
        r#"a&lt;b&gt; &amp; &#34;c&#34; a\u003Cb\u003E \u0026 \"c\" a%3Cb%3E+%26+%22c%22 &lt;no value&gt; a&lt;b&gt; &amp; &#34;c&#34; 1 2a %C3%BC+a~ \u003D\u000A\u0009\u200B\'"#,
    ),
    ("{{base64decode .secret}}", "hunter2"),
    ("{{.secret | base64decode}}", "hunter2"),
    (r#"{{base64decode "aGk="}}"#, "hi"),
    (
        r#"{{base64decode "YQ=="}}{{base64decode ""}}{{base64decode "aGV\nsbA=="}}"#,
        "ahell",
    ),
    (
        r#"{{exists . "labels" "b"}} {{exists . "labels" "c"}} {{exists . "items" 1 "name"}} {{exists . "items" 9}} {{exists .items 2 "none"}} {{exists .kind 1}}"#,
        "true false true false false true",
    ),
    (
        r#"{{define "t"}}[{{.}}]{{end}}{{template "t" .kind}}{{template "t"}}"#,
        "[List][<no value>]",
    ),
    (
        r#"{{block "b" .kind}}<{{.}}>{{end}}{{template "b" 5}}"#,
        "<List><5>",
    ),
    (r#"{{define "r"}}{{template "r"}}{{end}}ok"#, "ok"),
    (
        r#"{{define "r"}}{{$.name}}{{end}}{{range .items}}{{template "r" .}}{{end}}"#,
        "abc c",
    ),
    (
        r#"{{'a'}} {{'\n'}} {{0x1F}} {{0b11}} {{0o17}} {{017}} {{1e3}} {{1.5}} {{1_000}} {{-5}} {{+5}} {{.5}}"#,
        "97 10 31 3 15 15 1000 1.5 1000 -5 5 0.5",
    ),
    (
        r#"{{`raw "x" \n`}} {{"esc \" \\ \t \x41 \101 \u00e9 \U0001F600"}}"#,
        "raw \"x\" \\n esc \" \\ \t A A é 😀",
    ),
    (
        r#"{{(.kind)}} {{(len .kind)}} {{print (len .kind) (print "a" "b")}}"#,
        "List 4 4ab",
    ),
    ("{{.a.b.c}} {{.labels.b}}", "<no value> 2"),
    ("{{true}} {{false}}", "true false"),
    ("{{- .kind -}}", "List"),
    ("{{-5}}", "-5"),
    ("{{ -5 }}", "-5"),
    ("{{.kind}}}", "List}"),
    ("{ {.kind} }", "{ {.kind} }"),
    ("{{range .items}}{{.ports}}{{end}}", "[80 81 82][][90]"),
    (
        "{{range .items}}{{range .ports}}{{.}},{{end}};{{end}}",
        "80,81,82,;;90,;",
    ),
    (
        "{{range .items}}{{range .ports}}{{break}}{{end}}{{.name}}{{end}}",
        "abc c",
    ),
    (
        "{{with .items}}{{range .}}{{.name}}{{$.kind}}{{end}}{{end}}",
        "aListbListc cList",
    ),
    ("{{if and .yes (or .no .kind)}}y{{end}}", "y"),
    (r#"{{if not (eq .kind "x")}}y{{end}}"#, "y"),
    ("{{if eq (len .items) 3}}three{{end}}", "three"),
    (
        "{{print .items}}",
        "[map[name:a ports:[80 81 82] ready:true] map[name:b ports:[] ready:false] map[name:c c none:<nil> ports:[90]]]",
    ),
    (r#"{{if (eq .kind "List")}}y{{end}}"#, "y"),
    (r#"{{$a := "x"}}{{$b := print $a "y"}}{{$b}}"#, "xy"),
    ("{{if $x := .kind}}{{$x}}{{else}}{{$x}}{{end}}", "List"),
    (r#"{{"a" | print | len}}"#, "1"),
    (
        r#"{{printf "%v" 1.0}} {{1.0}} {{1e6}} {{1e5}} {{123456789.0}} {{1e-5}} {{0.0001}} {{1e20}} {{-0.0}}"#,
        "1 1 1e+06 100000 1.23456789e+08 1e-05 0.0001 1e+20 -0",
    ),
    (
        r#"{{printf "%t" "a"}} {{printf "%s" true}} {{printf "%d" "a"}} {{printf "%5d" "a"}} {{printf "%05s|%-05d|" "a" 5}}"#,
        "%!t(string=a) %!s(bool=true) %!d(string=a) %!d(string=    a) 0000a|5    |",
    ),
    (
        r#"{{printf "%c%c" 0x1F600 0x110000}} {{printf "%U %#U" 0x1F600 0x41}} {{printf "%q" 39}} {{printf "%#q" 65}}"#,
        r#"😀� U+1F600 U+0041 'A' '\'' 'A'"#,
    ),
    (
        r#"{{printf "%.0d|%.3d|%08.3d|%x|%d" 0 5 5 -255 -5}}"#,
        "|005|     005|-ff|-5",
    ),
    (
        r#"{{printf "%10v|%-10v|%v" .labels .bare .items}}"#,
        "map[  app.io/x:         1          b:         2]|[]|[map[name:a ports:[80 81 82] ready:true] map[name:b ports:[] ready:false] map[name:c c none:<nil> ports:[90]]]",
    ),
    ("{{range $i, $_ := .items}}{{$i}}{{end}}", "012"),
    (
        "{{range $i, $e := .items}}{{if $i}}, {{end}}{{$e.name}}{{end}}",
        "a, b, c c",
    ),
    (r#"{{"quoted"}}{{ "a b" | printf "%q" }}"#, r#"quoted"a b""#),
    ("{{.kind\t|\tlen}}", "4"),
    ("{{len (slice .word 0 2)}}", "2"),
    (
        "{{$}} {{$.kind}}",
        r#"map[bare:[] big:1234567 empty: half:0.5 items:[map[name:a ports:[80 81 82] ready:true] map[name:b ports:[] ready:false] map[name:c c none:<nil> ports:[90]]] kind:List labels:map[app.io/x:1 b:2] no:false none:map[] null:<nil> odd:a<b> & "c" secret:aHVudGVyMg== word:grün yes:true] List"#,
    ),
    ("{{1 | index .items}}", "map[name:b ports:[] ready:false]"),
    ("{{1 | slice .kind}}", "ist"),
    (
        r#"{{true | and .kind}} {{.missing | or .kind}} {{"a" | eq "a"}} {{"a" | eq "b" "c"}} {{.missing | eq nil}}"#,
        "true List true false true",
    ),
    (
        "{{not nil}} {{and nil}} {{or nil .missing}}",
        "true <no value> <no value>",
    ),
    (
        "{{$i := 0}}{{$e := 0}}{{range $i, $e = .items}}{{end}}{{$i}}",
        "2",
    ),
    ("{{$e := 0}}{{range $e = .ports}}{{end}}{{$e}}", "<no value>"),
    (
        "{{9223372036854775807}} {{-9223372036854775808}}",
        "9223372036854775807 -9223372036854775808",
    ),
];
