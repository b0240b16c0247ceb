using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;

namespace Ddm.Tests;

/// <summary>Settings that note which of them were asked for.</summary>
internal sealed class AskedConfiguration(IConfiguration inner) : IConfiguration
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
