using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace DdmAspire.ServiceDefaults;

/// <summary>Says what is wrong, not only that something is: JSON with a line a check. Nobody needs a key to read it, so that no check may tell names or addresses.</summary>
internal static class HealthReportWriter
{
    // The message library's own check repeats a client's errors, with user and host.
    private const string MessageLibrary = "masstransit";

    /// <summary>Writes the report.</summary>
    public static Task WriteAsync(HttpContext context, HealthReport report) => context.Response.WriteAsJsonAsync(
        new
        {
            status = report.Status.ToString(),
            checks = report.Entries.ToDictionary(entry => entry.Key, entry => new { status = entry.Value.Status.ToString(), description = Describe(entry.Value) }),
        },
        context.RequestAborted);

    private static string? Describe(HealthReportEntry entry) =>
        !entry.Tags.Contains(MessageLibrary) ? entry.Description
        : entry.Status == HealthStatus.Healthy ? null
        : "The connection to the broker does not stand. The log says why.";
}
