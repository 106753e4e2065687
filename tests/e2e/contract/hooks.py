"""What a schema cannot say of a request that makes sense, and what this machine should not be made to do."""

import os

import schemathesis

# A refresh as of a day before the demo portfolio begins fails at once. As of any later one, and without `as_of`, it
# trains a model: hundreds of them would take hours and prove nothing about the contract.
LONG_AGO = "2001-01-01"
LONG_AHEAD = "2101-01-01T09:00:00Z"



def whole_numbers(value):
    """Writes 3.0 as 3: to JSON Schema both are whole numbers, to most readers of JSON, serde among them, only one is."""
    if isinstance(value, dict):
        return {name: whole_numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [whole_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    operation = case.operation.definition.raw["operationId"]
    case.body = whole_numbers(case.body)
    if operation == "requestRefresh":
        case.body = {"as_of": LONG_AGO}
    elif operation == "recordOutcome" and isinstance(case.body, dict):
        # What happened is not in the future, and a deal is closed after it was opened.
        if case.body.get("occurred_at") or case.body["kind"] == "opportunity_created":
            case.body["occurred_at"] = LONG_AGO
        # What is corrected is on record.
        case.body.pop("corrects", None)
    elif operation == "act" and isinstance(case.body, dict):
        # A product is one of those recommended to the customer.
        case.body.pop("product_id", None)
        # A meeting is not in the past.
        if case.body.get("starts_at"):
            case.body["starts_at"] = LONG_AHEAD
    elif operation in ("listCustomers", "exportCustomers") and case.query:
        # Cursors are signed: one that is invented is refused, as it should be.
        case.query.pop("cursor", None)
        # A CSM may name nobody but themselves.
        if "csm_id" in case.query and "CONTRACT_CSM" in os.environ:
            case.query["csm_id"] = os.environ["CONTRACT_CSM"]
