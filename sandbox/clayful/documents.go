package clayful

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// document is a document of the shop in its raw form.
type document map[string]any

func (d document) id() string {
	id, _ := d["_id"].(string)
	return id
}

func (s *Server) load(ctx context.Context, model, id string) (document, error) {
	var d document
	err := s.pool.QueryRow(ctx, "SELECT body FROM sandbox_clayful.document WHERE model = $1 AND id = $2", model, id).Scan(&d)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, notExisting(model)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", model, err)
	}
	return d, nil
}

// named reads a document by its id or its slug.
func (s *Server) named(ctx context.Context, model, name string) (document, error) {
	var d document
	err := s.pool.QueryRow(ctx, `SELECT body FROM sandbox_clayful.document
		WHERE model = $1 AND (id = $2 OR body->>'slug' = $2) ORDER BY id = $2 DESC LIMIT 1`, model, name).Scan(&d)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, notExisting(model)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", model, err)
	}
	return d, nil
}

// change lets do change a document in one transaction.
func (s *Server) change(ctx context.Context, model, id string, do func(pgx.Tx, document) error) (document, error) {
	var d document
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, "SELECT body FROM sandbox_clayful.document WHERE model = $1 AND id = $2 FOR UPDATE", model, id).Scan(&d)
		if errors.Is(err, pgx.ErrNoRows) {
			return notExisting(model)
		}
		if err != nil {
			return fmt.Errorf("lock %s: %w", model, err)
		}
		if err := do(tx, d); err != nil {
			return err
		}
		d["updatedAt"] = stamp(time.Now())
		_, err = tx.Exec(ctx, "UPDATE sandbox_clayful.document SET body = $3 WHERE model = $1 AND id = $2", model, id, d)
		return duplicate(err)
	})
	return d, err
}

func (s *Server) insert(ctx context.Context, tx pgx.Tx, model string, d document, secret map[string]string) error {
	if secret == nil {
		secret = map[string]string{}
	}
	_, err := tx.Exec(ctx, "INSERT INTO sandbox_clayful.document (model, id, body, secret) VALUES ($1, $2, $3, $4)", model, d.id(), d, secret)
	return duplicate(err)
}

func duplicate(err error) error {
	var violation *pgconn.PgError
	if !errors.As(err, &violation) {
		return err
	}
	switch violation.ConstraintName {
	case "customer_user_id":
		return badRequest("duplicated-user-id")
	case "customer_email":
		return badRequest("duplicated-email")
	case "customer_social":
		return badRequest("duplicated-social")
	}
	return err
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (s *Server) get(model string) func(call) (any, error) {
	return func(c call) (any, error) {
		d, err := s.named(c.Context(), model, chi.URLParam(c.Request, "id"))
		if err != nil {
			return nil, err
		}
		shown, err := s.shown(c, model, []document{d})
		if err != nil {
			return nil, err
		}
		return shown[0], nil
	}
}

// Page sizes.
const (
	defaultLimit = 24
	maxLimit     = 120
)

// reserved are the parameters of a list that are no filters.
var reserved = []string{"page", "limit", "fields", "embed", "sort", "ids", "raw", "q", "search", "searchMatch", "displayLanguage"}

// filterPaths tell which field a filter is about when it is not its name.
var filterPaths = map[string]string{
	"group": "groups", "collection": "collectionIDs", "discountType": "discount.type",
}

// customerFilters find people by what they are called, mail address and first
// name in any letters. Commas part several, as everywhere.
var customerFilters = map[string]string{
	"userId": "body->>'userId' = ANY(string_to_array(?, ','))", "email": "lower(body->>'email') = ANY(string_to_array(lower(?), ','))",
	"firstName": "lower(body #>> '{name,first}') = ANY(string_to_array(lower(?), ','))",
}

// boundPaths tell the same of ranges.
var boundPaths = map[string]string{"discountValue": "discount.value"}

type filter struct {
	where []string
	args  []any
}

func (f *filter) add(clause string, arg any) {
	f.args = append(f.args, arg)
	f.where = append(f.where, strings.ReplaceAll(clause, "?", "$"+strconv.Itoa(len(f.args))))
}

// ownerColumn is whose a document is: by reference, or remembered whole.
const ownerColumn = "coalesce(body #>> '{customer,_id}', body->>'customer')"

// filters turns the parameters of a list into SQL.
func filters(model string, c call) *filter {
	f := &filter{}
	f.add("model = ?", model)
	if c.customer != "" { // a customer sees their own only
		f.add(ownerColumn+" = ?", c.customer)
	}
	q := c.URL.Query()
	if ids := q.Get("ids"); ids != "" {
		f.add("id = ANY(?)", strings.Split(ids, ","))
	}
	if text := q.Get("q"); text != "" && q.Get("search") != "" {
		f.search(q.Get("search"), text, q.Get("searchMatch") == "exact")
	}
	for name := range q {
		value := q.Get(name)
		if field, ok := strings.CutPrefix(name, "search:"); ok {
			f.search(field, value, false)
			continue
		}
		if slices.Contains(reserved, name) {
			continue
		}
		if name == "customer" {
			f.add(ownerColumn+" = ANY(?)", strings.Split(value, ","))
			continue
		}
		if clause, ok := customerFilters[name]; ok && model == "customers" {
			f.add(clause, value)
			continue
		}
		path := name
		for suffix, compare := range map[string]string{"Min": ">=", "Max": "<="} {
			if field, ok := strings.CutSuffix(name, suffix); ok {
				f.bound(cmp.Or(boundPaths[field], field), compare, value)
				path = ""
			}
		}
		if path != "" {
			f.equal(path, value)
		}
	}
	return f
}

func path(field string) []string { return strings.Split(field, ".") }

func (f *filter) search(fields, text string, exact bool) {
	f.args = append(f.args, text)
	text = "$" + strconv.Itoa(len(f.args))
	var any []string
	for field := range strings.SplitSeq(fields, ",") {
		f.args = append(f.args, path(field))
		column := "body #>> $" + strconv.Itoa(len(f.args))
		if exact {
			any = append(any, column+" = "+text)
		} else {
			any = append(any, "strpos(lower("+column+"), lower("+text+")) > 0")
		}
	}
	f.where = append(f.where, "("+strings.Join(any, " OR ")+")")
}

func (f *filter) bound(field, compare, value string) {
	if _, err := strconv.ParseFloat(value, 64); err == nil {
		f.args = append(f.args, path(field), value)
		n := len(f.args)
		f.where = append(f.where, fmt.Sprintf("(body #>> $%d)::numeric %s $%d::numeric", n-1, compare, n))
		return
	}
	f.args = append(f.args, path(field), value)
	n := len(f.args)
	f.where = append(f.where, fmt.Sprintf("body #>> $%d %s $%d", n-1, compare, n))
}

// equal is a filter on a value, on one of several, or on an element of a list;
// "any" and "none" ask whether there is one.
func (f *filter) equal(name, value string) {
	field := name
	if known, ok := filterPaths[name]; ok {
		field = known
	}
	f.args = append(f.args, path(field))
	column := "body #> $" + strconv.Itoa(len(f.args))
	switch value {
	case "any":
		f.where = append(f.where, "jsonb_typeof("+column+") <> 'null' AND "+column+" <> '[]'")
	case "none":
		f.where = append(f.where, "coalesce(jsonb_typeof("+column+"), 'null') = 'null' OR "+column+" = '[]'")
	default:
		f.args = append(f.args, strings.Split(value, ","))
		values := "$" + strconv.Itoa(len(f.args))
		f.where = append(f.where, fmt.Sprintf("CASE jsonb_typeof(%s) WHEN 'array' THEN (%s) ?| %s ELSE body #>> $%d = ANY(%s) END",
			column, column, values, len(f.args)-1, values))
	}
}

func (f *filter) clause() string { return "((" + strings.Join(f.where, ") AND (") + "))" }

func (s *Server) list(model string) func(call) (any, error) {
	return func(c call) (any, error) {
		limit, page, err := paging(c.Request)
		if err != nil {
			return nil, err
		}
		q := c.URL.Query()
		f := filters(model, c)
		order := f.order(q.Get("sort"), q.Get("ids"))
		f.args = append(f.args, limit, (page-1)*limit)
		rows, err := s.pool.Query(c.Context(), fmt.Sprintf(
			"SELECT body FROM sandbox_clayful.document WHERE %s ORDER BY %s LIMIT $%d OFFSET $%d",
			f.clause(), order, len(f.args)-1, len(f.args)), f.args...)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", model, err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[document])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", model, err)
		}
		return s.shown(c, model, found)
	}
}

// paging is which page of a list is asked for.
func paging(r *http.Request) (limit, page int, err error) {
	limit, page = defaultLimit, 1
	for name, into := range map[string]*int{"limit": &limit, "page": &page} {
		if text := r.URL.Query().Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return 0, 0, &apiError{status: http.StatusBadRequest, code: "validation", source: "query." + name}
			}
			*into = n
		}
	}
	return min(limit, maxLimit), page, nil
}

func (f *filter) order(sort, ids string) string {
	field, descending := strings.CutPrefix(sort, "-")
	switch {
	case sort == "ids" && ids != "":
		f.args = append(f.args, strings.Split(ids, ","))
		return "array_position($" + strconv.Itoa(len(f.args)) + ", id)"
	case field == "" || field == "createdAt" || sort == "ids":
		if sort == "createdAt" {
			return "created_at, id"
		}
		return "created_at DESC, id"
	case sort == "id":
		return "id"
	case sort == "-id":
		return "id DESC"
	default:
		f.args = append(f.args, path(field))
		direction := ""
		if descending {
			direction = " DESC NULLS LAST"
		}
		return "body #> $" + strconv.Itoa(len(f.args)) + direction + ", id"
	}
}

func (s *Server) count(model string) func(call) (any, error) {
	return func(c call) (any, error) {
		f := filters(model, c)
		var n float64
		err := s.pool.QueryRow(c.Context(), "SELECT count(*) FROM sandbox_clayful.document WHERE "+f.clause(), f.args...).Scan(&n)
		if err != nil {
			return nil, fmt.Errorf("count %s: %w", model, err)
		}
		return counted(c, n), nil
	}
}

func counted(c call, n float64) any {
	if c.URL.Query().Get("raw") == "true" {
		return map[string]any{"count": n}
	}
	return map[string]any{"count": number(n)}
}

// read decodes a request's body.
func read(r *http.Request) (document, error) {
	decoder := json.NewDecoder(r.Body)
	var d document
	if err := decoder.Decode(&d); err != nil || d == nil {
		return nil, &apiError{status: http.StatusBadRequest, code: "validation", source: "payload"}
	}
	return d, nil
}
