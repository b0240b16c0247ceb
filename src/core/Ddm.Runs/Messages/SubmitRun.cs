using System.Text.Json.Serialization;

namespace Ddm.Runs;

/// <summary>A spec that is sent in as a message. Asks for a <see cref="SubmitRunAnswer"/>.</summary>
/// <param name="Spec">The YAML, or the JSON that means the same.</param>
/// <param name="Root">Folder of the services' machines that the spec's paths start at; null: the first folder that is open to submitted runs.</param>
public sealed record SubmitRun([property: JsonConverter(typeof(SpecTextConverter))] string? Spec, string? Root = null);
