package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/byeolshow/byeolshow/api"
	"github.com/byeolshow/byeolshow/workflows"
)

// settings are all settings, from the environment.
type settings struct {
	DatabaseURL     string `env:"DATABASE_URL"`     // Postgres
	TemporalAddress string `env:"TEMPORAL_ADDRESS"` // host:port; the SDK's other variables count too

	HTTPAddr           string   `env:"HTTP_ADDR" envDefault:"127.0.0.1:8080"`    // of the API
	HealthAddr         string   `env:"HEALTH_ADDR"`                              // where the worker serves /healthz and /readyz; nowhere when empty
	SandboxAddr        string   `env:"SANDBOX_ADDR" envDefault:"127.0.0.1:9090"` // of the sandbox
	TemporalDevAt      string   `env:"TEMPORAL_DEV_ADDR" envDefault:"127.0.0.1:7233"`
	TemporalUIAddr     string   `env:"TEMPORAL_UI_ADDR" envDefault:"127.0.0.1:8233"`
	DataDir            string   `env:"DATA_DIR" envDefault:".data"` // what dev keeps
	PostgresRepository string   `env:"POSTGRES_REPOSITORY"`         // Maven repository Postgres is downloaded from where there is none; Maven Central when empty
	LogLevel           string   `env:"LOG_LEVEL" envDefault:"info"` // debug, info, warn, error
	TrustedProxies     []string `env:"TRUSTED_PROXIES"`             // CIDRs whose X-Forwarded-For is believed

	ClayfulBaseURL    string   `env:"CLAYFUL_BASE_URL"`
	ClayfulToken      string   `env:"CLAYFUL_TOKEN"`                                                                      // backend client token
	HiddenCollections []string `env:"HIDDEN_COLLECTIONS" envDefault:"인플루언서,influencer,influencers,인플루언서 상품,매거진,magazine"` // names that /collections/ leaves out
	InfluencerGroup   string   `env:"CLAYFUL_GROUP_INFLUENCER"`                                                           // group id

	RefundWebhookSecret   string `env:"CLAYFUL_REFUND_WEBHOOK_SECRET"`   // of the webhook to /webhook/refund/
	MarkdoneWebhookSecret string `env:"CLAYFUL_MARKDONE_WEBHOOK_SECRET"` // of the webhook to /webhook/markdone/
	ClayfulWebhookSecret  string `env:"CLAYFUL_WEBHOOK_SECRET"`          // of the webhook to /webhook/clayful/

	IamportBaseURL    string `env:"IAMPORT_BASE_URL"`
	IamportKey        string `env:"IAMPORT_KEY"`
	IamportSecret     string `env:"IAMPORT_SECRET"`
	AllowTestPayments bool   `env:"PAYMENT_ALLOW_TEST"` // counts payments of Iamport's test channels

	MuxBaseURL       string `env:"MUX_BASE_URL"`
	MuxTokenID       string `env:"MUX_TOKEN_ID"`
	MuxTokenSecret   string `env:"MUX_TOKEN_SECRET"`
	MuxWebhookSecret string `env:"MUX_WEBHOOK_SECRET"`

	FCMBaseURL     string `env:"FCM_BASE_URL"`
	FCMCredentials string `env:"FCM_CREDENTIALS"` // service account JSON

	PayloadKeys string `env:"PAYLOAD_KEYS"` // kid:base64url of 32 bytes, comma-separated; the first seals personal data in workflow histories
	JWTKeys     string `env:"JWT_KEYS"`     // kid:base64url of at least 32 bytes, comma-separated; the first signs

	LoginsPerMinute int           `env:"LIMIT_LOGIN_PER_MINUTE" envDefault:"10"`    // per IP and user id
	CouponsPerMin   int           `env:"LIMIT_COUPON_PER_MINUTE" envDefault:"100"`  // asked for, per customer
	MissedAfter     time.Duration `env:"BROADCAST_MISSED_AFTER" envDefault:"30m"`   // after the scheduled time
	LongestShow     time.Duration `env:"BROADCAST_LONGEST" envDefault:"12h"`        // then it is ended
	RecordingWait   time.Duration `env:"BROADCAST_RECORDING_WAIT" envDefault:"15m"` // then it is completed without
	UnpaidAfter     time.Duration `env:"ORDER_UNPAID_AFTER" envDefault:"30m"`       // then an unpaid order is cancelled
	VBankGrace      time.Duration `env:"ORDER_VBANK_GRACE" envDefault:"10m"`        // after a virtual account's own deadline
	PaymentPoll     time.Duration `env:"PAYMENT_POLL" envDefault:"5m"`              // how often Iamport is asked without a notice
	RefundPoll      time.Duration `env:"REFUND_POLL" envDefault:"5m"`               // how often a requested refund is looked at
	DoneAfter       time.Duration `env:"ORDER_DONE_AFTER" envDefault:"168h"`        // after everything arrived
	ArrivalPoll     time.Duration `env:"ORDER_ARRIVAL_POLL" envDefault:"24h"`       // how often a paid order is looked at
	TapWindow       time.Duration `env:"CHECKOUT_TAP_WINDOW" envDefault:"30s"`      // in which the same checkout is a double tap
	Settling        time.Duration `env:"CHECKOUT_SETTLING" envDefault:"3s"`         // how long the shop may take to do what it did not answer
	AutoEncoder     string        `env:"SANDBOX_AUTO_ENCODER" envDefault:"on"`      // on, off: simulated encoders
	EncoderLength   time.Duration `env:"SANDBOX_ENCODER_LENGTH" envDefault:"1m"`    // how long they stream
	CustomerSecret  string        `env:"SANDBOX_CUSTOMER_TOKEN_SECRET"`             // signs the sandbox's customer tokens
	StorefrontToken string        `env:"SANDBOX_STOREFRONT_TOKEN"`                  // Clayful's public client token
	ResetURL        string        `env:"SANDBOX_RESET_URL" envDefault:"https://www.byeolshowco.com/forgetuser/reset_password/"`
}

func readSettings() (settings, error) {
	s, err := env.ParseAs[settings]()
	if err != nil {
		return s, fmt.Errorf("read settings: %w", err)
	}
	if s.DoneAfter <= 0 || s.UnpaidAfter <= 0 || s.PaymentPoll <= 0 || s.RefundPoll <= 0 || s.ArrivalPoll <= 0 {
		return s, errors.New("ORDER_UNPAID_AFTER, ORDER_DONE_AFTER, PAYMENT_POLL, REFUND_POLL and ORDER_ARRIVAL_POLL must be above zero")
	}
	return s, nil
}

// need names every one of the variables that is not set.
func (s settings) need(variables ...string) error {
	var missing []string
	value := reflect.ValueOf(s)
	for i := range value.NumField() {
		name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("env"), ",")
		if slices.Contains(variables, name) && value.Field(i).IsZero() {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("not set: %s", strings.Join(missing, ", "))
}

func (s settings) jwtKeys() ([]api.Key, error) {
	var keys []api.Key
	err := eachKey("JWT_KEYS", s.JWTKeys, func(id string, secret []byte) { keys = append(keys, api.Key{ID: id, Secret: secret}) })
	return keys, err
}

func (s settings) payloadKeys() ([]workflows.SealKey, error) {
	var keys []workflows.SealKey
	err := eachKey("PAYLOAD_KEYS", s.PayloadKeys, func(id string, secret []byte) {
		keys = append(keys, workflows.SealKey{ID: id, Secret: secret[:32]})
	})
	return keys, err
}

func eachKey(variable, text string, each func(id string, secret []byte)) error {
	for pair := range strings.SplitSeq(text, ",") {
		id, encoded, ok := strings.Cut(strings.TrimSpace(pair), ":")
		secret, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(encoded, "="))
		if !ok || err != nil || len(secret) < 32 {
			return fmt.Errorf("%s is not kid:base64url,… with at least 32 bytes each", variable)
		}
		each(id, secret)
	}
	return nil
}
