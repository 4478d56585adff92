package ops

import (
	"encoding/json"
	"fmt"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"github.com/byeolshow/byeolshow/workflows"
)

// reader turns the events of one run into words.
type reader struct {
	personal converter.DataConverter // nil tells nothing personal
	steps    map[int64]string        // summaries, by the event that began the step
	tries    int32                   // of the step told of last
}

// tell is an event in words, "" when it tells an operator nothing, and what is
// personal about it, when asked for.
func (r *reader) tell(event *historypb.HistoryEvent) (what, personal string) {
	summary := text(event.GetUserMetadata().GetSummary())
	switch event.GetEventType() {
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
		in := event.GetWorkflowExecutionStartedEventAttributes()
		return "begins: " + orElse(summary, in.GetWorkflowType().GetName()), r.open(in.GetInput())
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		return "ends", ""
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
		failure := event.GetWorkflowExecutionFailedEventAttributes().GetFailure()
		return "ends: " + lastCause(failure).GetMessage(), r.details(failure)
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
		return "TERMINATED by hand: " + event.GetWorkflowExecutionTerminatedEventAttributes().GetReason(), ""
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		return "goes on in a new run", ""
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
		return "hears: " + event.GetWorkflowExecutionSignaledEventAttributes().GetSignalName(), ""
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
		in := event.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput()
		r.steps[event.GetEventId()] = in.GetName()
		return "is asked to " + in.GetName(), r.open(in.GetArgs())
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
		in := event.GetWorkflowExecutionUpdateCompletedEventAttributes()
		if failure := in.GetOutcome().GetFailure(); failure != nil {
			return r.steps[in.GetAcceptedEventId()] + " was refused: " + lastCause(failure).GetMessage(), r.details(failure)
		}
	case enums.EVENT_TYPE_TIMER_STARTED:
		if summary != "" {
			return fmt.Sprintf("waits %s: %s", event.GetTimerStartedEventAttributes().GetStartToFireTimeout().AsDuration(), summary), ""
		}
	case enums.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
		return "starts " + event.GetStartChildWorkflowExecutionInitiatedEventAttributes().GetWorkflowId(), ""
	case enums.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
		return attributes(event.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes().GetIndexedFields()), ""
	}
	return r.step(event, summary)
}

// step is an event of an activity in words.
func (r *reader) step(event *historypb.HistoryEvent, summary string) (what, personal string) {
	switch event.GetEventType() {
	case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		in := event.GetActivityTaskScheduledEventAttributes()
		r.steps[event.GetEventId()] = orElse(summary, in.GetActivityType().GetName())
	case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
		r.tries = event.GetActivityTaskStartedEventAttributes().GetAttempt()
	case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		in := event.GetActivityTaskCompletedEventAttributes()
		return fmt.Sprintf("%s: done%s", r.steps[in.GetScheduledEventId()], r.after()), r.open(in.GetResult())
	case enums.EVENT_TYPE_ACTIVITY_TASK_FAILED:
		in := event.GetActivityTaskFailedEventAttributes()
		return fmt.Sprintf("%s: FAILED%s: %s", r.steps[in.GetScheduledEventId()], r.after(), lastCause(in.GetFailure()).GetMessage()), r.details(in.GetFailure())
	case enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
		in := event.GetActivityTaskTimedOutEventAttributes()
		return fmt.Sprintf("%s: TIMED OUT%s: %s", r.steps[in.GetScheduledEventId()], r.after(), lastCause(in.GetFailure()).GetMessage()), r.details(in.GetFailure())
	case enums.EVENT_TYPE_MARKER_RECORDED:
		in := event.GetMarkerRecordedEventAttributes()
		if in.GetMarkerName() != "LocalActivity" {
			return "", ""
		}
		if in.GetFailure() != nil {
			return summary + ": failed: " + lastCause(in.GetFailure()).GetMessage(), r.details(in.GetFailure())
		}
		return summary + ": done", r.open(in.GetDetails()["result"])
	}
	return "", ""
}

func (r *reader) after() string {
	if r.tries <= 1 {
		return ""
	}
	return fmt.Sprintf(" after %d tries", r.tries)
}

// attributes is what an operator reads of changed search attributes.
func attributes(fields map[string]*commonpb.Payload) string {
	var said []string
	for _, one := range []struct{ name, set, unset string }{
		{workflows.AttributeStage.GetName(), "stage: ", ""},
		{workflows.AttributeStatus.GetName(), "status: ", ""},
		{workflows.AttributeStuck.GetName(), "STUCK: ", "no longer stuck"},
	} {
		payload, changed := fields[one.name]
		switch value := text(payload); {
		case value != "":
			said = append(said, one.set+value)
		case changed && one.unset != "":
			said = append(said, one.unset)
		}
	}
	return strings.Join(said, ", ")
}

// open is what sealed payloads hold.
func (r *reader) open(payloads *commonpb.Payloads) string {
	if r.personal == nil {
		return ""
	}
	var opened []string
	for _, payload := range payloads.GetPayloads() {
		if _, sealed := payload.GetMetadata()["encryption-key-id"]; !sealed {
			continue
		}
		var value json.RawMessage
		if err := r.personal.FromPayload(payload, &value); err != nil {
			value = json.RawMessage("(" + err.Error() + ")")
		}
		opened = append(opened, string(value))
	}
	return strings.Join(opened, " ")
}

// details are what else a failure says, and only to those who may read it.
func (r *reader) details(failure *failurepb.Failure) string {
	return r.open(lastCause(failure).GetApplicationFailureInfo().GetDetails())
}

// lastCause is the innermost failure that says something itself.
func lastCause(failure *failurepb.Failure) *failurepb.Failure {
	for failure.GetCause() != nil && failure.GetApplicationFailureInfo() == nil {
		failure = failure.GetCause()
	}
	return failure
}

func text(payload *commonpb.Payload) string {
	var s string
	if payload == nil || converter.GetDefaultDataConverter().FromPayload(payload, &s) != nil {
		return ""
	}
	return s
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
