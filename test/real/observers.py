"""Reads what the gateway tells with the parsers of Prometheus and OpenTelemetry; prints what it found as JSON."""

import json
import sys


def prometheus(text):
    from prometheus_client.parser import text_string_to_metric_families

    families = list(text_string_to_metric_families(text))
    sums = {f.name: sum(s.value for s in f.samples) for f in families if f.type == "counter"}
    return {**sums, "families": len(families)}


def otlp(text):
    from google.protobuf.json_format import Parse
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    spans, points = [], 0
    for url, body in json.loads(text):
        if url == "/v1/traces":
            # Ids are hex in OTLP's JSON and base64 in that of protocol buffers.
            raw = json.loads(body)
            for resource in raw["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    for span in scope["spans"]:
                        for name in ("traceId", "spanId", "parentSpanId"):
                            if name in span:
                                span[name] = __import__("base64").b64encode(bytes.fromhex(span[name])).decode()
            parsed = Parse(json.dumps(raw), ExportTraceServiceRequest())
            for resource in parsed.resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        assert len(span.trace_id) == 16 and len(span.span_id) == 8
                        assert span.end_time_unix_nano >= span.start_time_unix_nano > 10**18
                        spans.append(span.name)
        else:
            parsed = Parse(body, ExportMetricsServiceRequest())
            for resource in parsed.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        for point in metric.histogram.data_points:
                            assert sum(point.bucket_counts) == point.count
                            assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
                            points += 1
    return {"spans": len(spans), "names": spans, "points": points}


print(json.dumps({"prometheus": prometheus, "otlp": otlp}[sys.argv[1]](sys.stdin.read())))
