using System.Text.Json;

namespace Ddm.Infrastructure.Tests;

/// <summary>What both layers of infra/ would make; made once for all tests.</summary>
public sealed class Deployment : IAsyncLifetime
{
    /// <summary>The layer without services.</summary>
    internal IReadOnlyList<JsonElement> Foundation { get; private set; } = [];

    /// <summary>The services, with two expert hosts, and all else as it is where nobody says anything.</summary>
    internal IReadOnlyList<JsonElement> Apps { get; private set; } = [];

    /// <summary>Resources of a type.</summary>
    internal static IEnumerable<JsonElement> Of(IEnumerable<JsonElement> resources, string type) => resources.Where(resource => resource.GetProperty("type").GetString() == type);

    /// <summary>The container of an app or job.</summary>
    internal static JsonElement Container(JsonElement resource) => resource.GetProperty("properties").GetProperty("template").GetProperty("containers")[0];

    /// <summary>An app or job.</summary>
    internal JsonElement Service(string name) => Apps.Single(resource => resource.GetProperty("name").GetString() == name);

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        Foundation = await Bicep.PredictAsync(
            "foundation", ("environmentName", "'test'"), ("location", "'swedencentral'"), ("brokerPassword", "'p'"), ("apiKey", "'k'"), ("gatewayKey", "'g'"), ("expertsKey", "'e'"));
        Apps = await PredictAppsAsync(("expertHostsModel", "'cats'"));
    }

    /// <summary>The services with other parameters.</summary>
    internal static Task<IReadOnlyList<JsonElement>> PredictAppsAsync(params (string Name, string Value)[] parameters) => Bicep.PredictAsync(
        "apps",
        [
            ("environmentName", "'test'"), ("containerEnvironmentName", "'cae'"), ("identityName", "'id'"), ("registryName", "'cr'"), ("storeName", "'st'"),
            ("vaultName", "'kv'"), ("imageTag", "'t1'"), ("otlpEndpoint", "'http://collector:4317'"), .. parameters,
        ]);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
