package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

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
		on = !had
		return a.setAlarm(ctx, b.VODID, customer, on)
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

// setAlarm sets or takes an alarm here and in the shop, or neither.
func (a *api) setAlarm(ctx context.Context, vodID int64, customer string, on bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if err := a.Store.SetAlarm(ctx, vodID, customer, on); err != nil {
		return err
	}
	change := a.Clayful.PullMeta
	if on {
		change = a.Clayful.PushMeta
	}
	err := change(ctx, "customers", customer, metaAlarms, strconv.FormatInt(vodID, 10))
	if err == nil {
		return nil
	}
	if undo := a.Store.SetAlarm(ctx, vodID, customer, !on); undo != nil {
		a.Logger.ErrorContext(ctx, "an alarm differs between here and the shop", "vod_id", vodID, "error", undo)
	}
	return err
}

func (a *api) alarms(w http.ResponseWriter, r *http.Request) error {
	list, err := a.Store.Alarmed(r.Context(), caller(r).ID, model.Today(a.Now()))
	if err != nil {
		return err
	}
	return bare(w, http.StatusOK, clientViews(list))
}
