using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Ddm.Serving;

/// <summary>What comes before every endpoint: the headers of all answers, the form of errors, and who may ask at all.</summary>
internal sealed class GatewayStartup : IStartupFilter
{
    private static readonly (string Name, string Value)[] Headers =
    [
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    ];

    /// <inheritdoc/>
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((context, then) =>
        {
            context.Response.OnStarting(AddHeaders, context.Response);
            return then(context);
        });
        app.UseExceptionHandler();
        app.UseStatusCodePages(GatewayErrors.WriteBareAsync);
        app.Use(GuardAsync);
        next(app);
    };

    // At the last moment: an error's answer starts with no headers.
    private static Task AddHeaders(object state)
    {
        var headers = ((HttpResponse)state).Headers;
        foreach (var (name, value) in Headers)
        {
            headers.TryAdd(name, value);
        }

        return Task.CompletedTask;
    }

    private static Task GuardAsync(HttpContext context, RequestDelegate next)
        => context.RequestServices.GetRequiredService<HostGuard>().Refusal(context.Request) is { } refusal
            ? refusal.WriteAsync(context.Response, StatusCodes.Status403Forbidden) : next(context);
}
