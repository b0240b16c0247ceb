using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Serving;

/// <summary>Who asked for what, a structured line a request. What was asked for in words is left out unless the setting says otherwise.</summary>
internal sealed class AuditLog(ServingSettings settings, ILoggerFactory loggers)
{
    private readonly ILogger log = loggers.CreateLogger("Ddm.Gateway.Audit");

    /// <summary>Writes the line of a request that came to an end.</summary>
    /// <param name="key">Who asked.</param>
    /// <param name="request">What for; null: it could not be read.</param>
    /// <param name="model">Of which version.</param>
    /// <param name="status">How it ended.</param>
    /// <param name="duration">How long it took.</param>
    public void Write(string key, GenerationRequest? request, ServedModel? model, int status, TimeSpan duration)
    {
        var order = request?.Order;
        log.LogInformation(
            "{Key} asked {Model} {Version} for {Pictures} pictures of {Steps} steps: {Status} after {Seconds:F3} s{Prompt}",
            key, model?.Manifest.Name, model?.Sha256, order?.Count, order?.Request.Steps, status, duration.TotalSeconds,
            settings.LogPrompts && order?.Prompt is { } prompt ? $" \"{Printable.Text(prompt, 400)}\"" : "");
    }
}
