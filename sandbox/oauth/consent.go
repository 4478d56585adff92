package oauth

import (
	_ "embed"
	"encoding/json"
	"errors"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-chi/chi/v5"
)

//go:embed consent.html
var consentHTML string

var consentPage = template.Must(template.New("consent").Parse(consentHTML))

// shown is how many accounts the page proposes.
const shown = 50

// Authorize is the page a person is sent to: it asks who they are and what the
// app may see, and sends them back with a code. What is wrong with the app's
// request is told on the page, for nobody knows where to send them then.
func (s *Server) Authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if err := s.check(q); err != nil {
		s.show(w, r, http.StatusBadRequest, err)
		return
	}
	if r.Method != http.MethodPost {
		s.show(w, r, http.StatusOK, nil)
		return
	}
	back := url.Values{}
	if q.Has("state") {
		back.Set("state", q.Get("state"))
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	if r.PostFormValue("press") != "agree" {
		maps.Copy(back, s.vendor.Denied)
		http.Redirect(w, r, s.app.Callback+"?"+back.Encode(), http.StatusFound)
		return
	}
	code, err := s.agree(r)
	if err != nil {
		s.show(w, r, http.StatusOK, err)
		return
	}
	back.Set("code", code)
	http.Redirect(w, r, s.app.Callback+"?"+back.Encode(), http.StatusFound)
}

func (s *Server) check(q url.Values) error {
	switch {
	case !same(q.Get("client_id"), s.app.ClientID):
		return ErrApp
	case q.Get("redirect_uri") != s.app.Callback:
		return ErrCallback
	case q.Get("response_type") != "code":
		return ErrType
	case s.vendor.NeedState && q.Get("state") == "":
		return ErrState
	}
	return nil
}

func (s *Server) agree(r *http.Request) (code string, err error) {
	login := r.PostFormValue("account")
	if err := s.known(r.Context(), login); err != nil {
		return "", err
	}
	agreed := slices.DeleteFunc(r.PostForm["agree"], func(name string) bool {
		return !slices.ContainsFunc(s.vendor.Fields, func(f Field) bool { return f.Name == name })
	})
	if err := s.consent(r.Context(), s.app, login, agreed); err != nil {
		return "", err
	}
	return s.code(r.Context(), login, s.app.Callback)
}

// show shows the page, with what is wrong, if anything is.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, problem error) {
	page := struct {
		Vendor

		Form     bool
		Problem  string
		Accounts []Account
	}{Vendor: s.vendor, Form: status == http.StatusOK}
	var known bool
	switch page.Problem, known = s.vendor.Problems[problem]; {
	case errors.Is(problem, ErrAccount):
		page.Problem = "없는 계정입니다."
	case problem != nil && !known:
		s.Fail(r, problem)
		status, page.Form, page.Problem = http.StatusInternalServerError, false, "서버 오류입니다."
	case page.Form:
		accounts, err := s.Accounts(r.Context())
		if err != nil {
			s.Fail(r, err)
		}
		page.Accounts = accounts[:min(shown, len(accounts))]
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := consentPage.Execute(w, page); err != nil {
		s.Fail(r, err)
	}
}

// Fail logs what is the sandbox's own fault.
func (s *Server) Fail(r *http.Request, err error) {
	s.logger.ErrorContext(r.Context(), s.vendor.Name+" sandbox failed", "path", r.URL.Path, "error", err)
}

// Answer answers with JSON.
func Answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone when this fails
}

// ControlRoutes are what happens without a browser: accounts, and tokens for
// them.
func (s *Server) ControlRoutes() chi.Router {
	r := chi.NewRouter()
	r.Get("/accounts", control(func(r *http.Request, _ struct{}) (any, error) { return s.Accounts(r.Context()) }))
	r.Post("/accounts", control(func(r *http.Request, in Account) (any, error) {
		if in.Login == "" {
			return nil, ErrAccount
		}
		return in, s.Add(r.Context(), in)
	}))
	r.Post("/tokens", control(func(r *http.Request, in struct {
		Account string   `json:"account"`
		Another bool     `json:"another_app"`
		Agree   []string `json:"agree"` // everything when left out
	}) (any, error) {
		if in.Agree == nil {
			for _, field := range s.vendor.Fields {
				in.Agree = append(in.Agree, field.Name)
			}
		}
		t, err := s.Grant(r.Context(), in.Account, in.Another, in.Agree)
		return map[string]string{"access_token": t.Access, "app": t.AppID, "id": t.Subject}, err
	}))
	return r
}

func control[T any](do func(*http.Request, T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		if r.Method == http.MethodPost {
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil {
				Answer(w, http.StatusBadRequest, map[string]string{"error": "no JSON object: " + err.Error()})
				return
			}
		}
		switch out, err := do(r, in); {
		case errors.Is(err, ErrAccount):
			Answer(w, http.StatusNotFound, map[string]string{"error": err.Error()})
		case err != nil:
			Answer(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		default:
			Answer(w, http.StatusOK, out)
		}
	}
}
