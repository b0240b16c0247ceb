using System.Collections.Concurrent;
using Ddm.Storage;
using DdmAspire.ServiceDefaults;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Primitives;

namespace Ddm.Services.Tests.Hosting;

/// <summary>An installation names no setting that its services do not read.</summary>
public sealed class SettingNamesTests
{
    [Fact]
    public void EveryNameIsRead()
    {
        var asked = new AskedConfiguration(new ConfigurationBuilder().AddInMemoryCollection([new("Ddm:RequireApiKey", "false")]).Build());

        WorkerSettingsReader.Read(asked);
        WorkerSettingsReader.ReadManagement(asked);
        WorkerSettingsReader.ReadMetricsPort(asked);
        ApiSettings.From(asked, NullLogger.Instance);
        SourceRoots.From(asked);

        // what the host asks for by these constants
        string[] byHost = [BrokerAddress.Setting, BlobStores.Setting];
        Assert.Empty(SettingNames.All.Except(asked.Keys).Except(byHost));
        Assert.Equal(SettingNames.MetricsPort, ServiceDefaults.MetricsPort);
    }

    [Fact]
    public void EnvironmentsSpellThemInTheirOwnWay()
    {
        Assert.Equal("ConnectionStrings__messaging", SettingNames.Variable(SettingNames.Messaging));
        Assert.Equal("Ddm__SourceRoots__0", SettingNames.Variable(SettingNames.SourceRoots, 0));
    }

    private sealed class AskedConfiguration(IConfiguration inner) : IConfiguration
    {
        private readonly ConcurrentDictionary<string, bool> asked = new(StringComparer.OrdinalIgnoreCase);

        public IEnumerable<string> Keys => asked.Keys;

        public string? this[string key]
        {
            get => Note(key) ? inner[key] : null;
            set => inner[key] = value;
        }

        public IConfigurationSection GetSection(string key) => Note(key) ? new AskedSection(this, key) : throw new InvalidOperationException();

        public IEnumerable<IConfigurationSection> GetChildren() => inner.GetChildren();

        public IChangeToken GetReloadToken() => inner.GetReloadToken();

        private bool Note(string key) => asked.TryAdd(key, true) || true;
    }

    private sealed class AskedSection(AskedConfiguration root, string path) : IConfigurationSection
    {
        public string Key => path.Split(':')[^1];

        public string Path => path;

        public string? Value
        {
            get => root[path];
            set => root[path] = value;
        }

        public string? this[string key]
        {
            get => root[$"{path}:{key}"];
            set => root[$"{path}:{key}"] = value;
        }

        public IConfigurationSection GetSection(string key) => root.GetSection($"{path}:{key}");

        public IEnumerable<IConfigurationSection> GetChildren() => [];

        public IChangeToken GetReloadToken() => root.GetReloadToken();
    }
}
