using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ddm.Runs;

/// <summary>Decisions grouped by what was decided, since most roles share it. Reading returns them in the order experts 0..K-1, router, student.</summary>
internal sealed class RoleDecisionsConverter : JsonConverter<IReadOnlyList<RoleDecision>>
{
    public override IReadOnlyList<RoleDecision> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var groups = JsonSerializer.Deserialize<List<Group>>(ref reader, options)!; // a converter is never handed a null
        return [.. groups
            .SelectMany(group => RoleRanges.Parse(group.Roles).Select(role => (Role: role, Group: group)))
            .OrderBy(pair => pair.Role.Kind).ThenBy(pair => pair.Role.Index)
            .Select(pair => new RoleDecision(pair.Role.Path, pair.Group.TargetSteps, pair.Group.Status, pair.Group.Failure))];
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<RoleDecision> value, JsonSerializerOptions options)
    {
        var groups = value
            .GroupBy(decision => (decision.TargetSteps, decision.Status, decision.Failure))
            .Select(group => new Group(
                RoleRanges.Format(group.Select(decision => Role.Parse(decision.Role))), group.Key.TargetSteps, group.Key.Status, group.Key.Failure));
        JsonSerializer.Serialize(writer, groups.ToList(), options);
    }

    private sealed record Group(string Roles, int TargetSteps, RoleStatus Status, string? Failure);
}
