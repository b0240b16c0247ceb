using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ddm.Runs;

/// <summary>Numerics classes with the roles that have them: a run has few classes and may have a thousand roles.</summary>
internal sealed class NumericsByRoleConverter : JsonConverter<IReadOnlyDictionary<string, NumericsClass>>
{
    public override IReadOnlyDictionary<string, NumericsClass> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var numerics = new Dictionary<string, NumericsClass>();
        var groups = JsonSerializer.Deserialize<List<Group>>(ref reader, options)!; // a converter is never handed a null
        foreach (var group in groups)
        {
            foreach (var role in RoleRanges.Parse(group.Roles))
            {
                numerics[role.Path] = group.Class;
            }
        }

        return numerics;
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyDictionary<string, NumericsClass> value, JsonSerializerOptions options)
    {
        var groups = value
            .GroupBy(pair => pair.Value)
            .Select(group => new Group(RoleRanges.Format(group.Select(pair => Role.Parse(pair.Key))), group.Key));
        JsonSerializer.Serialize(writer, groups.ToList(), options);
    }

    private sealed record Group(string Roles, NumericsClass Class);
}
