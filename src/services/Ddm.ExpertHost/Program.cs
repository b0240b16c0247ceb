using Ddm.Services;
using Ddm.Serving;
using DdmAspire.ServiceDefaults;

// Holds some experts of a published model and answers the gateways that ask them. Two ports: health pages where urls says, questions where Ddm:ExpertHost:Listen says.
return await DdmHost.RunAsync(
    args,
    port: 5096,
    parts: null,
    prepare: builder =>
    {
        builder.AddServiceDefaults(DdmTelemetry.Name);
        builder.AddDdmExpertHost();
    },
    map: app =>
    {
        app.MapDefaultEndpoints();
        app.MapDdmExpertHost();
    });
