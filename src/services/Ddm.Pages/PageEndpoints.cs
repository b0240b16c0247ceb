using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;

namespace Ddm.Pages;

/// <summary>The pages of control plane and gateway: <c>docs/pages.md</c>. They hold nothing of any run or model: what they show they ask the host's API for.</summary>
public static class PageEndpoints
{
    /// <summary>Where they are.</summary>
    public const string Path = "/pages";

    private const string Html = ".html";

    // Scripts, styles and pictures of our own alone; a page asks nobody but the host it came from.
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    private static readonly (string Name, string Value)[] Headers =
    [
        (HeaderNames.ContentSecurityPolicy, Policy),
        (HeaderNames.XContentTypeOptions, "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        (HeaderNames.CacheControl, "no-cache"),
    ];

    /// <summary>What pages need besides a host's API.</summary>
    public static IServiceCollection AddDdmPages(this IServiceCollection services)
        => services.AddSingleton(provider => PageSettings.From(provider.GetRequiredService<IConfiguration>()));

    /// <summary>Maps the pages of a host, and its bare address to the first of them.</summary>
    /// <exception cref="Ddm.Runs.UserErrorException">A setting is wrong.</exception>
    public static IEndpointRouteBuilder MapDdmPages(this IEndpointRouteBuilder endpoints, PageSet set)
    {
        endpoints.ServiceProvider.GetRequiredService<PageSettings>();
        endpoints.MapGet("/", () => TypedResults.LocalRedirect($"{Path}/{set.Home}")).AddEndpointFilter<PageGuard>().ExcludeFromDescription();
        var pages = endpoints.MapGroup(Path).AddEndpointFilter<PageGuard>().ExcludeFromDescription();
        SessionEndpoints.Map(pages, set);
        foreach (var (name, file) in PageFile.All)
        {
            var isPage = name.EndsWith(Html, StringComparison.Ordinal);
            var page = isPage ? name[..^Html.Length] : name;
            if (!isPage || set.Pages.Contains(page))
            {
                pages.MapGet("/" + page, (HttpResponse response) => Answer(response, file));
            }
        }

        return endpoints;
    }

    private static FileContentHttpResult Answer(HttpResponse response, PageFile file)
    {
        foreach (var (name, value) in Headers)
        {
            response.Headers[name] = value;
        }

        return TypedResults.Bytes(file.Content, file.Type, entityTag: new EntityTagHeaderValue(file.Tag));
    }
}
