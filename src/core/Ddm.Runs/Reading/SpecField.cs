using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ddm.Runs;

/// <summary>One key of a mapping that fills a <typeparamref name="T"/>.</summary>
internal abstract class SpecField<T>(string key, string? need)
{
    public string Key => key;

    /// <summary>What the key holds, where it must be given; null for an optional key.</summary>
    public string? Need => need;

    /// <summary>The paths of this key and everything under it.</summary>
    public abstract IEnumerable<string> Paths(string section);

    /// <summary>The target with the key's value filled in, or as it was after a refusal.</summary>
    public abstract T Read(T target, SpecNode node, string path, SpecContext context);

    /// <summary>Writes key and value, or nothing where there is no value.</summary>
    public abstract void Write(T source, Utf8JsonWriter json);

    /// <summary>What may stand under the key, as JSON schema, with the default that <paramref name="blank"/> holds.</summary>
    public abstract JsonObject Schema(T blank);
}

/// <summary>A key with a single value. <paramref name="get"/> returns null where there is none.</summary>
internal sealed class ValueField<T>(string key, SpecValue value, Func<T, object?> get, Func<T, object, T> set, string? need) : SpecField<T>(key, need)
{
    public override IEnumerable<string> Paths(string section) => [SpecContext.Join(section, Key)];

    public override T Read(T target, SpecNode node, string path, SpecContext context) =>
        value.Read(node, (where, problem) => context.Refuse(where.Place, path, problem)) is { } read ? set(target, read) : target;

    public override void Write(T source, Utf8JsonWriter json)
    {
        if (get(source) is { } present)
        {
            json.WritePropertyName(Key);
            value.Write(json, present);
        }
    }

    public override JsonObject Schema(T blank)
    {
        var schema = value.Schema();
        if (Need is null && get(blank) is { } standard)
        {
            using var bytes = new MemoryStream();
            using (var json = new Utf8JsonWriter(bytes))
            {
                value.Write(json, standard);
            }

            schema["default"] = JsonNode.Parse(bytes.ToArray());
        }

        return schema;
    }
}

/// <summary>A key with a mapping of its own.</summary>
internal sealed class SectionField<T, TSection>(string key, SpecTable<TSection> table, Func<T, TSection> get, Func<T, TSection, T> set, string? need)
    : SpecField<T>(key, need)
{
    public override IEnumerable<string> Paths(string section) => [SpecContext.Join(section, Key), .. table.Paths(SpecContext.Join(section, Key))];

    public override T Read(T target, SpecNode node, string path, SpecContext context) => set(target, table.Read(node, path, context));

    public override void Write(T source, Utf8JsonWriter json)
    {
        json.WritePropertyName(Key);
        table.Write(get(source), json);
    }

    public override JsonObject Schema(T blank) => table.Schema();
}

/// <summary>A key of an inner record that stands in the outer mapping, as the router's training keys do.</summary>
internal sealed class LiftedField<T, TInner>(SpecField<TInner> inner, Func<T, TInner> get, Func<T, TInner, T> set) : SpecField<T>(inner.Key, inner.Need)
{
    public override IEnumerable<string> Paths(string section) => inner.Paths(section);

    public override T Read(T target, SpecNode node, string path, SpecContext context) => set(target, inner.Read(get(target), node, path, context));

    public override void Write(T source, Utf8JsonWriter json) => inner.Write(get(source), json);

    public override JsonObject Schema(T blank) => inner.Schema(get(blank));
}
