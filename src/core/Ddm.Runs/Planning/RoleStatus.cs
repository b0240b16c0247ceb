using System.Text.Json.Serialization;

namespace Ddm.Runs;

/// <summary>What is decided about a role.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RoleStatus>))]
public enum RoleStatus
{
    /// <summary>It still has steps to go.</summary>
    Training,

    /// <summary>Its last step is committed.</summary>
    Complete,

    /// <summary>It gave up and waits for a person.</summary>
    Failed,
}
