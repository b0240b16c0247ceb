using System.Net;
using System.Text;
using Ddm.Services;
using Ddm.Serving;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ddm.Pages.Tests;

/// <summary>Control plane and gateway with their pages, over one store; all services run beside them.</summary>
internal sealed class PageHosts : IAsyncDisposable
{
    public const string Key = ApiServer.Key;
    public const string ImagesKey = "a-key-for-pictures-of-the-tests";

    /// <summary>Of a drawing at the gateway: seconds of work.</summary>
    public const int MostSteps = 1000;

    private PageHosts(ApiServer control, ServingHost? gateway) => (Control, Gateway) = (control, gateway);

    public ApiServer Control { get; }

    public ServingHost? Gateway { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Both; the gateway takes up what runs publish.</summary>
    /// <param name="files">Their home.</param>
    /// <param name="root">Where specs' paths start; null: in the same folder.</param>
    public static async Task<PageHosts> StartAsync(TinyFolder files, string? root = null)
    {
        var blobs = new FileBlobStore(files.Home);
        var settings = new Dictionary<string, string?> { ["Ddm:ApiKeys:0"] = Key, ["Ddm:Gateway:PollEvery"] = "00:00:00.2", ["Ddm:Gateway:MaxSteps"] = $"{MostSteps}" };
        var gateway = await ServingHost.StartAsync(blobs, "http://127.0.0.1:0", settings, logging => logging.SetMinimumLevel(LogLevel.Warning), Token);
        var control = await ControlAsync(files, new Dictionary<string, string?> { ["Ddm:ApiKeys:0"] = Key, ["Ddm:Pages:Playground"] = gateway.Address.AbsoluteUri }, root: root);
        return new PageHosts(control, gateway);
    }

    /// <summary>The control plane alone.</summary>
    public static async Task<PageHosts> StartControlAsync(TinyFolder files, TimeProvider? time = null, params (string Setting, string Value)[] settings)
    {
        var all = new Dictionary<string, string?> { ["Ddm:ApiKeys:0"] = Key, ["Ddm:ApiKeys:1"] = "images:" + ImagesKey };
        foreach (var (setting, value) in settings)
        {
            all[setting] = value;
        }

        return new PageHosts(await ControlAsync(files, all, time), null);
    }

    /// <summary>A client of the control plane that keeps no cookies and brings no key.</summary>
    public HttpClient Browser() => new(new HttpClientHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = Control.Address };

    /// <summary>What a page's script sends.</summary>
    public HttpRequestMessage Request(HttpMethod method, string path, string? cookie = null, string? json = null, string? origin = "own", string? site = "same-origin")
    {
        var request = new HttpRequestMessage(method, path);
        if (cookie is not null)
        {
            request.Headers.Add("Cookie", cookie);
        }

        if (origin is not null)
        {
            request.Headers.Add("Origin", origin == "own" ? Control.Address.GetLeftPart(UriPartial.Authority) : origin);
        }

        if (site is not null)
        {
            request.Headers.Add("Sec-Fetch-Site", site);
        }

        request.Content = json is null ? null : new StringContent(json, Encoding.UTF8, "application/json");
        return request;
    }

    /// <summary>Signs in, and gives the answer's cookie, attributes and all.</summary>
    public async Task<string> SignInAsync(HttpClient browser, string key = Key)
    {
        using var request = Request(HttpMethod.Post, "/pages/session", json: $"{{\"key\": \"{key}\"}}");
        using var answer = await browser.SendAsync(request, Token);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        return answer.Headers.GetValues("Set-Cookie").Single();
    }

    /// <summary>Waits until the gateway draws nothing.</summary>
    public Task AtRestAsync() => Waiting.ForAsync("nothing is drawn", TimeSpan.FromSeconds(20), async token =>
    {
        using var client = new HttpClient { BaseAddress = Gateway!.Address, DefaultRequestHeaders = { Authorization = new("Bearer", Key) } };
        return (await client.GetStringAsync("/metrics", token)).Split('\n').Where(line => line.StartsWith("ddm_gateway_active", StringComparison.Ordinal)).All(line => line.Split(' ')[1] == "0");
    });

    public async ValueTask DisposeAsync()
    {
        await Control.DisposeAsync();
        if (Gateway is not null)
        {
            await Gateway.DisposeAsync();
        }
    }

    private static Task<ApiServer> ControlAsync(TinyFolder files, Dictionary<string, string?> settings, TimeProvider? time = null, string? root = null) => ApiServer.StartAsync(
        new FileBlobStore(files.Home),
        root ?? files.Folder,
        settings: settings,
        add: services =>
        {
            services.AddDdmPages();
            services.AddSingleton(new GridSettings(TimeSpan.FromMilliseconds(50), 10, 1 << 30)).AddHostedService<GridPainter>();
            if (time is not null)
            {
                services.AddSingleton(provider => ActivatorUtilities.CreateInstance<PageSessions>(provider, time));
            }
        },
        map: app => app.MapDdmPages(PageSet.Runs),
        cancellationToken: Token);
}
