using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ddm.Runs;

/// <summary>
/// The keys of one mapping: the single place that says what they are called, what they may hold and where it goes. Reading, canonical
/// writing and error messages all follow it.
/// </summary>
/// <param name="blank">The record with its defaults.</param>
/// <param name="shorthand">The key that a single scalar in place of the mapping stands for, as in <c>model: DiT-S/2</c>.</param>
internal sealed class SpecTable<T>(T blank, string? shorthand = null)
{
    private readonly List<SpecField<T>> _fields = [];
    private readonly Dictionary<string, string> _about = [];

    public IReadOnlyList<SpecField<T>> Fields => _fields;

    public T Blank => blank;

    public SpecTable<T> Text(string key, SpecValue value, Func<T, string?> get, Func<T, string, T> set, string? need = null) =>
        Add(new ValueField<T>(key, value, get, (target, text) => set(target, (string)text), need));

    public SpecTable<T> Texts(string key, SpecValue item, Func<T, IReadOnlyList<string>> get, Func<T, IReadOnlyList<string>, T> set) =>
        Add(new ValueField<T>(
            key, new TextListValue(item), source => get(source) is { Count: > 0 } texts ? texts : null, (target, texts) => set(target, (List<string>)texts), null));

    public SpecTable<T> Long(string key, long minimum, long maximum, Func<T, long> get, Func<T, long, T> set) =>
        Add(new ValueField<T>(key, new IntegerValue(minimum, maximum), source => get(source), (target, number) => set(target, (long)number), null));

    public SpecTable<T> Integer(string key, int minimum, int maximum, Func<T, int?> get, Func<T, int, T> set, string? need = null, int multiple = 1) =>
        Add(new ValueField<T>(
            key, new IntegerValue(minimum, maximum, multiple), source => (long?)get(source), (target, number) => set(target, (int)(long)number), need));

    public SpecTable<T> Number(string key, double minimum, double maximum, Func<T, double?> get, Func<T, double, T> set, bool above = false) =>
        Add(new ValueField<T>(key, new NumberValue(minimum, maximum, above), source => get(source), (target, number) => set(target, (double)number), null));

    public SpecTable<T> Boolean(string key, Func<T, bool> get, Func<T, bool, T> set) =>
        Add(new ValueField<T>(key, new BooleanValue(), source => get(source), (target, flag) => set(target, (bool)flag), null));

    public SpecTable<T> Choice<TChoice>(string key, IEnumerable<(string Word, TChoice Value)> choices, Func<T, TChoice> get, Func<T, TChoice, T> set)
        where TChoice : notnull =>
        Add(new ValueField<T>(
            key,
            new ChoiceValue([.. choices.Select(choice => (choice.Word, (object)choice.Value))]),
            source => get(source),
            (target, choice) => set(target, (TChoice)choice),
            null));

    public SpecTable<T> Section<TSection>(string key, SpecTable<TSection> table, Func<T, TSection> get, Func<T, TSection, T> set, string? need = null) =>
        Add(new SectionField<T, TSection>(key, table, get, set, need));

    public SpecTable<T> Lift<TInner>(SpecTable<TInner> table, Func<T, TInner> get, Func<T, TInner, T> set)
    {
        _fields.AddRange(table.Fields.Select(field => new LiftedField<T, TInner>(field, get, set)));
        foreach (var (key, text) in table._about)
        {
            _about.TryAdd(key, text);
        }

        return this;
    }

    /// <summary>What keys are for, in the words that editors show.</summary>
    public SpecTable<T> About(params ReadOnlySpan<(string Key, string Text)> texts)
    {
        foreach (var (key, text) in texts)
        {
            _about.Add(key, text);
        }

        return this;
    }

    public IEnumerable<string> Paths(string section) => _fields.SelectMany(field => field.Paths(section));

    /// <summary>The record that a node describes; whatever is wrong goes to the context, and the rest is read all the same.</summary>
    public T Read(SpecNode node, string path, SpecContext context)
    {
        context.Note(path, node.Place);
        switch (node)
        {
            case SpecMapping mapping:
                return ReadMapping(mapping, path, context);
            case SpecScalar { IsNull: false } when shorthand is not null:
                return ReadEntry(blank, new SpecEntry(shorthand, node.Place, node), path, context);
            case SpecNothing:
                return blank;
            default:
                context.Refuse(node.Place, path, $"{node.Description} is not a mapping with keys such as {string.Join(", ", Keys.Take(3))}");
                return blank;
        }
    }

    public void Write(T source, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        foreach (var field in _fields)
        {
            field.Write(source, json);
        }

        json.WriteEndObject();
    }

    /// <summary>The mapping as JSON schema; where a shorthand stands for it, either of the two.</summary>
    public JsonObject Schema()
    {
        var properties = new JsonObject();
        foreach (var field in _fields)
        {
            var schema = field.Schema(blank);
            if (_about.TryGetValue(field.Key, out var text))
            {
                schema.Insert(0, "description", text);
            }

            properties.Add(field.Key, schema);
        }

        var mapping = new JsonObject { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
        if (_fields.Where(field => field.Need is not null).Select(field => (JsonNode)field.Key).ToArray() is { Length: > 0 } required)
        {
            mapping["required"] = new JsonArray(required);
        }

        return shorthand is null ? mapping : new JsonObject { ["anyOf"] = new JsonArray(properties[shorthand]!.DeepClone(), mapping) };
    }

    private IEnumerable<string> Keys => _fields.Select(known => known.Key);

    private SpecTable<T> Add(SpecField<T> field)
    {
        _fields.Add(field);
        return this;
    }

    private T ReadMapping(SpecMapping mapping, string path, SpecContext context)
    {
        var target = blank;
        var seen = new Dictionary<string, Place>();
        foreach (var entry in mapping.Entries)
        {
            if (seen.TryAdd(entry.Key, entry.Place))
            {
                target = ReadEntry(target, entry, path, context);
            }
            else
            {
                context.Refuse(entry.Place, SpecContext.Join(path, Printable.Text(entry.Key)), $"the key stands twice; first on line {seen[entry.Key].Line}");
            }
        }

        foreach (var field in _fields.Where(field => field.Need is not null && !seen.ContainsKey(field.Key)))
        {
            context.Refuse(SpecContext.Join(path, field.Key), $"missing; give {field.Need}");
        }

        return target;
    }

    private T ReadEntry(T target, SpecEntry entry, string section, SpecContext context)
    {
        var path = SpecContext.Join(section, entry.Key);
        if (_fields.Find(field => field.Key == entry.Key) is { } known)
        {
            context.Note(path, entry.Value.Place);
            return known.Read(target, entry.Value, path, context);
        }

        context.Refuse(entry.Place, SpecContext.Join(section, Printable.Text(entry.Key)), $"unknown key{Meant(entry.Key)}");
        return target;
    }

    private string Meant(string key)
    {
        if (Suggestion.Nearest(key, Keys) is null && SpecTables.Run.Paths("").Where(path => path.EndsWith("." + key, StringComparison.Ordinal)).ToList() is { Count: > 0 } elsewhere)
        {
            return $"; did you mean {string.Join(" or ", elsewhere.Select(path => $"'{path}'"))}?";
        }

        return Suggestion.For(key, [.. Keys], "known");
    }
}
