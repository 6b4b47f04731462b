package serve

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// schema is what the description uses of OpenAPI 3.0's schemas.
type schema struct {
	Ref         string `json:"$ref"`
	AllOf       []schema
	Type        string
	Format      string
	Description string
	Enum        []string
	Minimum     *float64
	Items       *schema
	Required    []string
	Properties  map[string]schema
	Additional  *bool `json:"additionalProperties"`
}

type response struct {
	Ref     string `json:"$ref"`
	Content map[string]struct{ Schema schema }
}

type openAPIDocument struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string
		Summary     string
		Parameters  []struct{ Name, In string }
		Responses   map[string]response
	}
	Components struct {
		Schemas   map[string]schema
		Responses map[string]response
	}
}

// response is what is described of an answer of a route, nothing if nothing is.
func (doc *openAPIDocument) response(route, code string) response {
	r := doc.Paths[route]["get"].Responses[code]
	if name, is := strings.CutPrefix(r.Ref, "#/components/responses/"); is {
		r = doc.Components.Responses[name]
	}
	return r
}

func describe(t *testing.T) *openAPIDocument {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(openAPI)))
	var doc openAPIDocument
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return &doc
}

// differ says where an answer and a schema contradict each other, and notes the properties
// that the answer has.
func (doc *openAPIDocument) differ(at string, s schema, v any, seen map[string]bool) (out []string) {
	if len(s.AllOf) == 1 {
		s = s.AllOf[0]
	}
	if s.Ref != "" {
		at = strings.TrimPrefix(s.Ref, "#/components/schemas/")
		known := false
		if s, known = doc.Components.Schemas[at]; !known {
			return []string{at + " is not described"}
		}
	}
	is := func(ok bool) {
		if !ok {
			out = append(out, fmt.Sprintf("%s: %v (%T) is no %s %s", at, v, v, s.Type, s.Format))
		}
	}
	switch s.Type {
	case "object":
		object, ok := v.(map[string]any)
		is(ok)
		for name, value := range object {
			property, known := s.Properties[name]
			if !known && s.Additional != nil && !*s.Additional {
				out = append(out, fmt.Sprintf("%s.%s is not described", at, name))
			}
			if known {
				seen[at+"."+name] = true
				out = append(out, doc.differ(at+"."+name, property, value, seen)...)
			}
		}
		for _, name := range s.Required {
			if _, has := object[name]; !has {
				out = append(out, fmt.Sprintf("%s has no %s", at, name))
			}
		}
	case "array":
		list, ok := v.([]any)
		is(ok)
		for _, value := range list {
			out = append(out, doc.differ(at+"[]", *s.Items, value, seen)...)
		}
	case "string":
		text, ok := v.(string)
		is(ok && (len(s.Enum) == 0 || slices.Contains(s.Enum, text)))
		if s.Format == "date-time" {
			_, err := time.Parse(time.RFC3339Nano, text)
			is(err == nil)
		}
	case "integer", "number":
		n, ok := v.(float64)
		is(ok && (s.Type == "number" || n == math.Trunc(n)) && (s.Minimum == nil || n >= *s.Minimum))
	case "boolean":
		_, ok := v.(bool)
		is(ok)
	default:
		out = append(out, fmt.Sprintf("%s is of type %q", at, s.Type))
	}
	return out
}

// Every route is described and every path that is described is a route; its answer is as
// described, and has all that is described at least somewhere.
func TestOpenAPI(t *testing.T) {
	doc := describe(t)
	var paths []string
	for _, r := range routes() {
		paths = append(paths, strings.TrimSuffix(r.path, "{$}"))
	}
	slices.Sort(paths)
	if described := slices.Sorted(maps.Keys(doc.Paths)); !slices.Equal(paths, described) {
		t.Errorf("routes     %q\ndescribed  %q", paths, described)
	}

	f := newFake()
	snapshot := *f.snapshot.Load()
	s := newServer(t, f)
	seen := map[string]bool{}
	check := func(path, route, code string) {
		var v any
		if got := fmt.Sprint(get(t, s, path, &v)); got != code {
			t.Errorf("%s: %s, want %s: %v", path, got, code, v)
			return
		}
		answer, ok := doc.response(route, code).Content["application/json"]
		if !ok {
			t.Fatalf("%s: %s is not described", route, code)
		}
		for _, d := range doc.differ(route, answer.Schema, v, seen) {
			t.Errorf("%s: %s", path, d)
		}
	}
	ids := map[string]string{}
	for route, path := range doc.Paths {
		get := path["get"]
		if len(path) != 1 || get.Summary == "" {
			t.Errorf("%s: %d methods, summary %q", route, len(path), get.Summary)
		}
		if other := ids[get.OperationID]; get.OperationID == "" || other != "" {
			t.Errorf("%s has the operationId %q, as has %q", route, get.OperationID, other)
		}
		ids[get.OperationID] = route
		for _, code := range []string{"400", "403", "503"} {
			if doc.response(route, code).Content["application/json"].Schema.Ref != "#/components/schemas/Error" {
				t.Errorf("%s: %s is not described", route, code)
			}
		}
		for _, p := range get.Parameters {
			if p.In == "path" && !strings.Contains(route, "{"+p.Name+"}") || p.In == "query" && p.Name != "brief" {
				t.Errorf("%s has no parameter %s", route, p.Name)
			}
		}
		if strings.Count(route, "{") != strings.Count(strings.Join(strings.Fields(fmt.Sprint(get.Parameters)), ""), "path") {
			t.Errorf("%s: parameters %v", route, get.Parameters)
		}
		if _, ok := get.Responses["200"].Content["application/json"]; !ok {
			continue
		}
		there := strings.NewReplacer("{ring}", "es", "{subscriber}", "alpha").Replace(route)
		check(there, route, "200")
		if strings.Contains(route, "{subscriber}") {
			check(strings.NewReplacer("{ring}", "es", "{subscriber}", "none").Replace(route), route, "404")
		}
		if slices.ContainsFunc(get.Parameters, func(p struct{ Name, In string }) bool { return p.In == "query" }) {
			for _, query := range []string{"?brief=1", "?brief=true", "?brief=0", "?brief=false", "?brief=spikes", "?other"} {
				check(there+query, route, "200")
			}
			for _, query := range []string{"?brief", "?brief=2", "?brief=1&brief=no", "?brief=%zz", "?a;b"} {
				check(there+query, route, "400")
			}
		}
		if strings.Contains(route, "{ring}") {
			check(strings.NewReplacer("{ring}", "none", "{subscriber}", "alpha").Replace(route), route, "404")
		}
	}
	// What is only there when something is wrong.
	snapshot.Error = "the directory cannot be read"
	f.snapshot.Store(&snapshot)
	s.watch.look()
	check("/api/v1/rings", "/api/v1/rings", "200")
	check("/healthz", "/healthz", "503")

	for name, schema := range doc.Components.Schemas {
		for property, p := range schema.Properties {
			if !seen[name+"."+property] {
				t.Errorf("%s.%s is described, and no answer has it", name, property)
			}
			if p.Description == "" {
				t.Errorf("%s.%s is not explained", name, property)
			}
		}
	}
	if get(t, s, "/openapi.json", nil) != http.StatusOK {
		t.Error("the description is not there")
	}
}
