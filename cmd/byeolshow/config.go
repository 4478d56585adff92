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
	DatabaseURL     string `env:"DATABASE_URL"`     // address of the Postgres database, as postgres://…
	TemporalAddress string `env:"TEMPORAL_ADDRESS"` // host:port; the SDK's other variables count too
	NATSURL         string `env:"NATS_URL"`         // carries the chat between API processes; one alone needs none

	HTTPAddr           string   `env:"HTTP_ADDR" envDefault:"127.0.0.1:8080"`         // of the API
	HealthAddr         string   `env:"HEALTH_ADDR"`                                   // where the worker serves /healthz and /readyz; nowhere when empty
	SandboxAddr        string   `env:"SANDBOX_ADDR" envDefault:"127.0.0.1:9090"`      // of the sandbox
	TemporalDevAt      string   `env:"TEMPORAL_DEV_ADDR" envDefault:"127.0.0.1:7233"` // of Temporal's development server
	TemporalUIAddr     string   `env:"TEMPORAL_UI_ADDR" envDefault:"127.0.0.1:8233"`  // of its web UI
	DataDir            string   `env:"DATA_DIR" envDefault:".data"`                   // what dev keeps
	PostgresRepository string   `env:"POSTGRES_REPOSITORY"`                           // Maven repository Postgres is downloaded from where there is none; Maven Central when empty
	PublicBaseURL      string   `env:"PUBLIC_BASE_URL"`                               // where callers reach the API, as links in mails and redirects name it
	LogLevel           string   `env:"LOG_LEVEL" envDefault:"info"`                   // debug, info, warn, error
	TrustedProxies     []string `env:"TRUSTED_PROXIES"`                               // CIDRs whose X-Forwarded-For is believed
	Playground         string   `env:"PLAYGROUND"`                                    // on: the API serves /playground; dev sets it

	ShutdownDelay    time.Duration `env:"SHUTDOWN_DELAY" envDefault:"0s"` // from the signal to stop until the API stops: not ready, yet serving
	WorkerDeployment string        `env:"WORKER_DEPLOYMENT"`              // name of the worker deployment in Temporal; none: workers have no versions
	WorkerBuildID    string        `env:"WORKER_BUILD_ID"`                // version of this worker within it; the program's own when empty

	ClayfulBaseURL    string   `env:"CLAYFUL_BASE_URL"`                                                                   // the vendor's own when empty
	ClayfulToken      string   `env:"CLAYFUL_TOKEN"`                                                                      // backend client token
	HiddenCollections []string `env:"HIDDEN_COLLECTIONS" envDefault:"인플루언서,influencer,influencers,인플루언서 상품,매거진,magazine"` // names that /collections/ leaves out
	InfluencerGroup   string   `env:"CLAYFUL_GROUP_INFLUENCER"`                                                           // group id
	MemberGroup       string   `env:"CLAYFUL_GROUP_MEMBER"`                                                               // group id of ordinary members

	RefundWebhookSecret   string `env:"CLAYFUL_REFUND_WEBHOOK_SECRET"`   // of the webhook to /webhook/refund/
	MarkdoneWebhookSecret string `env:"CLAYFUL_MARKDONE_WEBHOOK_SECRET"` // of the webhook to /webhook/markdone/
	ClayfulWebhookSecret  string `env:"CLAYFUL_WEBHOOK_SECRET"`          // of the webhook to /webhook/clayful/

	IamportBaseURL    string `env:"IAMPORT_BASE_URL"`   // the vendor's own when empty
	IamportKey        string `env:"IAMPORT_KEY"`        // REST API key
	IamportSecret     string `env:"IAMPORT_SECRET"`     // REST API secret
	AllowTestPayments bool   `env:"PAYMENT_ALLOW_TEST"` // counts payments of Iamport's test channels

	MuxBaseURL       string `env:"MUX_BASE_URL"`       // the vendor's own when empty
	MuxTokenID       string `env:"MUX_TOKEN_ID"`       // access token
	MuxTokenSecret   string `env:"MUX_TOKEN_SECRET"`   // its secret
	MuxWebhookSecret string `env:"MUX_WEBHOOK_SECRET"` // signs the webhook to /media/callback/

	FCMBaseURL     string `env:"FCM_BASE_URL"`    // the vendor's own when empty
	FCMCredentials string `env:"FCM_CREDENTIALS"` // service account JSON

	Kakao    socialApp `envPrefix:"KAKAO_"`
	Naver    socialApp `envPrefix:"NAVER_"`
	Facebook socialApp `envPrefix:"FACEBOOK_"`

	PayloadKeys string `env:"PAYLOAD_KEYS"` // kid:base64url of 32 bytes, comma-separated; the first seals personal data in workflow histories
	JWTKeys     string `env:"JWT_KEYS"`     // kid:base64url of at least 32 bytes, comma-separated; the first signs

	CodecAddr    string   `env:"CODEC_ADDR"`    // of the codec endpoint; in dev the UI's address, one port up
	CodecToken   string   `env:"CODEC_TOKEN"`   // of those who may read what is sealed
	CodecOrigins []string `env:"CODEC_ORIGINS"` // of the Temporal UIs that may ask, comma-separated

	Stuck stuckSettings `envPrefix:"STUCK_"`

	LoginsPerMinute     int `env:"LIMIT_LOGIN_PER_MINUTE" envDefault:"10"`        // per IP and user id
	CouponsPerMinute    int `env:"LIMIT_COUPON_PER_MINUTE" envDefault:"100"`      // asked for, per customer
	UploadsPerMinute    int `env:"LIMIT_UPLOAD_PER_MINUTE" envDefault:"20"`       // per customer
	FindIDsPerMinute    int `env:"LIMIT_FIND_ID_PER_MINUTE" envDefault:"5"`       // per IP
	MailsPerHour        int `env:"LIMIT_RESET_MAIL_PER_HOUR" envDefault:"20"`     // per IP
	MailsPerAddress     int `env:"LIMIT_RESET_MAIL_PER_ADDRESS" envDefault:"5"`   // an hour
	ResetsPerHour       int `env:"LIMIT_PASSWORD_RESET_PER_HOUR" envDefault:"10"` // per IP, each way of setting a password anew
	AliasesPerMinute    int `env:"LIMIT_CHECK_ALIAS_PER_MINUTE" envDefault:"60"`  // per IP
	SignUpsPerMinute    int `env:"LIMIT_SIGN_UP_PER_MINUTE" envDefault:"10"`      // per IP
	PaymentsPerMinute   int `env:"LIMIT_PAYMENT_PER_MINUTE" envDefault:"60"`      // verified or noticed, per order
	NewViewersPerMinute int `env:"LIMIT_VIEWERS_PER_MINUTE" envDefault:"30"`      // counted per IP, of those without an account
	ChatMessages        int `env:"LIMIT_CHAT_PER_10_SECONDS" envDefault:"10"`     // messages per viewer and room
	ChatConnections     int `env:"LIMIT_CHAT_CONNECTIONS" envDefault:"10"`        // at a time, per viewer and room

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
	SignUpPatience  time.Duration `env:"SIGN_UP_PATIENCE" envDefault:"1m"`          // how long a sign-up waits to hear what came of its account
	UploadPatience  time.Duration `env:"IMAGE_UPLOAD_PATIENCE" envDefault:"2m"`     // how long a change of images may take before it counts as given up
	AutoEncoder     string        `env:"SANDBOX_AUTO_ENCODER" envDefault:"on"`      // on, off: simulated encoders
	EncoderLength   time.Duration `env:"SANDBOX_ENCODER_LENGTH" envDefault:"1m"`    // how long they stream
	CustomerSecret  string        `env:"SANDBOX_CUSTOMER_TOKEN_SECRET"`             // signs the sandbox's customer tokens
	StorefrontToken string        `env:"SANDBOX_STOREFRONT_TOKEN"`                  // Clayful's public client token
	ImageURL        string        `env:"SANDBOX_IMAGE_URL"`                         // where the sandbox's images are served, before /stores/…; http://SANDBOX_ADDR/clayful when empty
	BuyersReview    bool          `env:"SANDBOX_BUYERS_REVIEW"`                     // in the sandbox only who has bought a product may review it
}

// stuckSettings are when a workflow says that it is stuck.
type stuckSettings struct {
	Step       time.Duration `env:"STEP" envDefault:"45s"`       // a step keeps failing
	Notice     time.Duration `env:"NOTICE" envDefault:"3m"`      // a payment that was found by asking has no notice
	Encoder    time.Duration `env:"ENCODER" envDefault:"5m"`     // nothing streams after a broadcast's time
	Recording  time.Duration `env:"RECORDING" envDefault:"1h"`   // an ended broadcast has no recording
	Acceptance time.Duration `env:"ACCEPTANCE" envDefault:"72h"` // the shop does not rule on a refund
	Delivery   time.Duration `env:"DELIVERY" envDefault:"336h"`  // a paid order has not arrived
	Shown      time.Duration `env:"SHOWN" envDefault:"72h"`      // what mended itself is still listed
}

func (s stuckSettings) limits() (workflows.Limits, error) {
	limits := workflows.Limits(s)
	for _, limit := range []time.Duration{s.Step, s.Notice, s.Encoder, s.Recording, s.Acceptance, s.Delivery, s.Shown} {
		if limit <= 0 {
			return limits, errors.New("every STUCK_ limit must be above zero")
		}
	}
	return limits, nil
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
