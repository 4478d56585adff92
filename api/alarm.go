package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/byeolshow/byeolshow/model"
)

// metaAlarms is the field of a customer's meta that lists the broadcasts they
// have an alarm on.
const metaAlarms = "Live_id"

func (a *api) alarmRoutes(r chi.Router) {
	r.With(a.login).Post("/media/alarm", a.wrapped(a.toggleAlarm))
	r.With(a.login).Get("/media/alarm", a.wrapped(a.alarms))
}

func (a *api) toggleAlarm(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		ID flexID `json:"_id"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	b, err := a.Store.Broadcast(r.Context(), int64(body.ID))
	if err != nil {
		return err
	}
	if b.DeletedAt != nil {
		return model.ErrNoBroadcast
	}
	customer := caller(r).ID
	on := false
	err = a.exclusively(r.Context(), "alarms/"+customer, func(ctx context.Context) error {
		had, err := a.Store.HasAlarm(ctx, b.VODID, customer)
		if err != nil {
			return err
		}
		on = !had && b.Status != model.StatusCompleted // whose alarms have gone
		return a.inTurn(ctx, on,
			func(ctx context.Context, on bool) error { return a.Store.SetAlarm(ctx, b.VODID, customer, on) },
			a.listed(customer, metaAlarms, strconv.FormatInt(b.VODID, 10)))
	})
	if err != nil {
		return err
	}
	message := "방송 알림이 해제되었습니다"
	if on {
		message = "방송 알림이 설정되었습니다"
	}
	return bare(w, http.StatusAccepted, map[string]any{"status": on, "message": message})
}

func (a *api) alarms(w http.ResponseWriter, r *http.Request) error {
	list, err := a.Store.Alarmed(r.Context(), caller(r).ID, model.Today(a.Now()))
	if err != nil {
		return err
	}
	return bare(w, http.StatusOK, clientViews(list))
}
