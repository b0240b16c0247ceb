using System.Text.Encodings.Web;
using System.Text.Json;

namespace Ddm.Runs;

/// <summary>The JSON schema of run specs, for editors: made of the same tables that read them, so that the two cannot differ.</summary>
public static class RunSpecSchema
{
    /// <summary>File name under which the schema is published and written beside specs.</summary>
    public const string FileName = "ddm-run.schema.json";

    /// <summary>Its title, which tells our schema from another file of the name.</summary>
    public const string Title = "DdmAspire run spec";

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The schema (draft 2020-12) as text, the same for every call. What only the rules between keys can tell is left to <c>ddm validate</c>.</summary>
    public static string Write()
    {
        var schema = SpecTables.Run.Schema();
        schema.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.Insert(1, "title", Title);
        schema.Insert(2, "description", "What 'ddm run' trains. The first key is the name.");
        return schema.ToJsonString(Indented) + "\n";
    }
}
