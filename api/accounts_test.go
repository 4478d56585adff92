package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store"
	"github.com/byeolshow/byeolshow/workflows"
)

func TestRandomPasswordsHaveNoLookAlikes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		password := randomPassword()
		require.Regexp(t, regexp.MustCompile(`^[A-Za-z2-9]{12}$`), password)
		require.False(t, strings.ContainsAny(password, "0Oo1lIi"), password)
		seen[password] = true
	}
	require.Len(t, seen, 1000)
}

func TestPrefersHTML(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "application/json": false, "text/html": true, "application/json, text/html;q=0.9": false,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": true, "text/html;q=0.5, application/json;q=0.4": true,
		"text/html;q=0": false, "nonsense;;;": false, "TEXT/HTML": true, "text/html;q=x": true,
	} {
		require.Equal(t, want, prefersHTML(accept), accept)
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{"byeolshow": "byeo*****", "byeol": "byeo*", "byeo": "byeo", "ab": "ab", "별하나둘셋": "별하나둘*"} {
		require.Equal(t, want, masked(id))
	}
}

// TestGuessingIsLimited counts every route that invites it by whom it is
// counted by, and nobody else's requests.
func TestGuessingIsLimited(t *testing.T) {
	t.Parallel()
	a, _, _ := newAPI(t)
	handler, err := New(a.Config)
	require.NoError(t, err)
	send := func(method, path, body, address string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.RemoteAddr = address + ":1234"
		r.Header.Set("X-Forwarded-For", uuid.NewString()) // believed by nobody
		handler.ServeHTTP(w, r)
		return w
	}
	ask := func(path, body, address string) *httptest.ResponseRecorder {
		return send(http.MethodPost, path, body, address)
	}
	mail := func(n string) string { return `{"userId":"","email":"` + n + `@byeolshow.example"}` }
	for _, c := range []struct {
		path  string
		body  func(int) string
		limit int
	}{
		{"/forgetuser/find_id/", func(int) string { return `{}` }, 5},
		{"/forgetuser/get_certificate/", func(n int) string { return mail(string(rune('a' + n))) }, 20},
		{"/forgetuser/reset_password/", func(int) string { return `{}` }, 10},
		{"/forgetuser/forgot_change/", func(int) string { return `{}` }, 10},
		{"/user/checkalias/", func(int) string { return `{}` }, 60},
	} {
		for n := range c.limit {
			require.Equal(t, 400, ask(c.path, c.body(n), "10.0.1.1").Code, "%s, number %d", c.path, n+1)
		}
		refused := ask(c.path, c.body(c.limit), "10.0.1.1")
		require.Equal(t, 429, refused.Code, c.path)
		require.NotEmpty(t, refused.Header().Get("Retry-After"), c.path)
		require.Contains(t, refused.Body.String(), `"error"`)
		require.Equal(t, 400, ask(c.path, c.body(c.limit), "10.0.1.2").Code, "%s from elsewhere", c.path)
	}
	require.Equal(t, 429, ask("/checkalias/", `{}`, "10.0.1.1").Code, "the other name of the same")
	for range 10 {
		require.Equal(t, 400, send(http.MethodPut, "/user/", `{}`, "10.0.1.1").Code)
	}
	require.Equal(t, 429, send(http.MethodPut, "/user/", `{}`, "10.0.1.1").Code)
	require.Equal(t, 400, send(http.MethodPut, "/user/", `{}`, "10.0.1.2").Code)
	for n := range 5 {
		require.Equal(t, 400, ask("/forgetuser/get_certificate/", mail("Victim"), "10.0.2."+string(rune('1'+n))).Code)
	}
	require.Equal(t, 429, ask("/forgetuser/get_certificate/", mail("victim"), "10.0.2.9").Code, "a mail address is nobody's to flood")
	require.Equal(t, 429, ask("/forgetuser/get_certificate/", `{"email":"other@byeolshow.example","EMAIL":"victim@byeolshow.example"}`, "10.0.2.9").Code,
		"the last spelling of a key is what the handler reads")
}

// TestWelcomeTellsHowItEnded maps the workflow's answer to a login's.
func TestWelcomeTellsHowItEnded(t *testing.T) {
	t.Parallel()
	a, _, _ := newAPI(t)
	for name, c := range map[string]struct {
		ended  error
		status int // 0 when the account is whole
	}{
		"whole":  {nil, 0},
		"undone": {activities.Refuse(&model.Error{Code: model.CodeNoUpstream}), 503},
		"silent": {serviceerror.NewUnavailable("Temporal is away"), 503},
	} {
		handle := &mocks.WorkflowUpdateHandle{}
		handle.On("Get", mock.Anything, mock.Anything).Return(c.ended)
		temporal := &mocks.Client{}
		temporal.On("NewWithStartWorkflowOperation", mock.MatchedBy(func(o client.StartWorkflowOptions) bool {
			return o.ID == "welcome/C" && o.TaskQueue == workflows.QueuePeople && o.WorkflowIDConflictPolicy == enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
		}), workflows.TypeWelcome, workflows.WelcomeInput{CustomerID: "C", Profile: workflows.Profile{Nickname: "별"}}).Return(nil)
		temporal.On("UpdateWithStartWorkflow", mock.Anything, mock.Anything).Return(handle, nil)
		a.Temporal = temporal
		err := a.welcome(t.Context(), "C", workflows.Profile{Nickname: "별"})
		if c.status == 0 {
			require.NoError(t, err, name)
		} else {
			require.Equal(t, c.status, refusalOf(err).Status, name)
		}
	}
}

// TestPasswordsAreChangedWithAWitness has a workflow stand by before the change,
// and hear what is left to do.
func TestPasswordsAreChangedWithAWitness(t *testing.T) {
	t.Parallel()
	a, _, _ := newAPI(t)
	away, err := pgxpool.New(t.Context(), "postgres://127.0.0.1:1/away")
	require.NoError(t, err)
	t.Cleanup(away.Close)
	reachable := a.Store
	for name, c := range map[string]struct {
		store       *store.Store
		failure     error
		over, ended bool
	}{
		"changed":                      {reachable, nil, true, true},
		"perhaps changed":              {reachable, context.DeadlineExceeded, true, true},
		"refused":                      {reachable, &clayful.Error{Status: 400}, true, false},
		"changed with a database away": {store.New(away), nil, false, false},
	} {
		a.Store = reachable
		token := a.opened(t)
		temporal, begun := &mocks.Client{}, false
		temporal.On("ExecuteWorkflow", mock.Anything, mock.Anything, workflows.TypeRevocation, mock.Anything).
			Run(func(mock.Arguments) { begun = true }).Return(&mocks.WorkflowRun{}, nil)
		temporal.On("SignalWorkflow", mock.Anything, mock.Anything, "", workflows.SignalEnded, c.over).Return(nil).Once()
		a.Temporal, a.Store = temporal, c.store
		err := a.endingSessions(t.Context(), "C", uuid.Nil, func() error {
			require.True(t, begun, name)
			return c.failure
		})
		require.Equal(t, c.failure, err, name)
		temporal.AssertExpectations(t)
		require.Equal(t, c.ended, guarded(a.login, token) == 401, name)
	}
}
