package api

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/httprate"
)

// Limits are how often one client may do what invites guessing. 0 is the rule
// of the house.
type Limits struct {
	LoginPerMinute  int // per IP and user id; 10
	CouponPerMinute int // coupons asked for, per customer; 100
	UploadPerMinute int // requests with images, per customer; 20
	FindIDPerMinute int // per IP; 5
	MailPerHour     int // mails to set a password anew, per IP; 20
	MailPerAddress  int // the same an hour, per mail address; 5
	ResetPerHour    int // passwords set anew by a mailed secret, per IP; 10
	AliasPerMinute  int // nicknames looked up, per IP; 60
	SignUpPerMinute int // per IP; 10

	PaymentPerMinute int // payments an order is told of; 60
}

func (l *Limits) fill() {
	for limit, otherwise := range map[*int]int{
		&l.LoginPerMinute: 10, &l.FindIDPerMinute: 5, &l.MailPerHour: 20, &l.MailPerAddress: 5, &l.ResetPerHour: 10,
		&l.AliasPerMinute: 60, &l.SignUpPerMinute: 10, &l.CouponPerMinute: 100, &l.UploadPerMinute: 20, &l.PaymentPerMinute: 60,
	} {
		if *limit == 0 {
			*limit = otherwise
		}
	}
}

// limit lets so many requests through that are counted together.
func (a *api) limit(requests int, in time.Duration, key httprate.KeyFunc) func(http.Handler) http.Handler {
	return httprate.LimitBy(requests, in, key, httprate.WithLimitHandler(a.wrapped(func(w http.ResponseWriter, _ *http.Request) error {
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", strconv.Itoa(int(in.Seconds())))
		}
		return errTooMany
	})))
}

// mayTell refuses to tell an order of payments too often. It counts by order and
// not by IP: all of Iamport's notices come from a few, and so do a carrier's customers.
func (a *api) mayTell(w http.ResponseWriter, r *http.Request, orderID string) error {
	if a.payments.OnLimit(w, r, orderID) {
		return errTooMany
	}
	return nil
}

var errTooMany = refuse(http.StatusTooManyRequests, "요청이 너무 많습니다. 잠시 후 다시 시도해 주세요")

// perCustomer counts by who is logged in.
func perCustomer(r *http.Request) (string, error) { return caller(r).ID, nil }

// byIP counts what comes from one address together.
func byIP(r *http.Request) (string, error) { return middleware.GetClientIP(r.Context()), nil }

// byIPAndUser counts together what comes from one address and names one user id
// in its body.
func byIPAndUser(r *http.Request) (string, error) {
	return middleware.GetClientIP(r.Context()) + " " + said(r).UserID, nil
}

// byMail counts together what names one mail address in its body.
func byMail(r *http.Request) (string, error) {
	mail := strings.ToLower(strings.TrimSpace(said(r).Email))
	if mail == "" { // nobody's, and refused anyway
		return byIP(r)
	}
	return mail, nil
}

// names are whom a body is about.
type names struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
}

// said reads whom the body is about, without using it up, by the rule by which
// the handlers read it: a key counts however it is capitalized, and the last.
func said(r *http.Request) (who names) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
		return names{}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_ = json.Unmarshal(body, &who) // the handler tells what is wrong
	return who
}

type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }
